package site

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"time"

	"rapport/shared/fault"
	"rapport/shared/httpapi"
)

// proofLife is how long a proof holds. The snippet fetches a new one from
// "/shop/session" before it ends, so it can be short.
const proofLife = time.Hour

// sessionCookie holds the signed-in user's id. The shop asks for no password, so
// there is nothing that signing the cookie would protect; a real shop uses its
// own session here.
const sessionCookie = "shop_user"

// userIDs are those that the shop gives out or lets a person choose.
var userIDs = regexp.MustCompile(`^[A-Za-z0-9._@:-]{3,128}$`)

// signInRequest names the customer by one of the two; country is a trait that
// the page passes on with identify.
type signInRequest struct {
	UserID  string `json:"userId"`
	Email   string `json:"email"`
	Country string `json:"country"`
}

// session is the answer of "/shop/sign-in" and "/shop/session": a user and the
// proof that this browser may speak for that user.
type session struct {
	UserID string `json:"userId"`
	Proof  string `json:"proof"`
}

// signIn lets anyone in under any name, which is fine on a laptop only; the page
// says so. It insists on JSON, because a form of another site cannot send that.
func (s *shop) signIn(w http.ResponseWriter, r *http.Request) {
	var asked signInRequest
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		httpapi.Error(w, fault.New(fault.Malformed, "json_required", "send the sign-in as application/json"))
		return
	}
	if err := httpapi.Decode(r, &asked); err != nil {
		httpapi.Error(w, err)
		return
	}
	userID, err := customer(asked)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	s.prove(w, userID)
}

// customer says who is signing in: the user id as given, else one that is made
// from the address, so that the same address is the same customer every time.
func customer(asked signInRequest) (string, error) {
	if c := asked.Country; c != "" && (len(c) != 2 || strings.ToUpper(c) != c) {
		return "", fault.New(fault.Invalid, "bad_country", "give the country as two capital letters, such as UA").In("country")
	}
	if asked.UserID != "" {
		if !userIDs.MatchString(asked.UserID) {
			return "", fault.New(fault.Invalid, "bad_user_id", "use 3 to 128 letters, digits or . _ @ : -").In("userId")
		}
		return asked.UserID, nil
	}
	address, err := mail.ParseAddress(asked.Email)
	if err != nil || address.Name != "" {
		return "", fault.New(fault.Invalid, "bad_email", "give an e-mail address such as customer@example.com").In("email")
	}
	sum := sha256.Sum256([]byte(strings.ToLower(address.Address)))
	return "customer-" + hex.EncodeToString(sum[:6]), nil
}

// session renews the proof of whoever is signed in here. It goes by the shop's
// own cookie and never by what the page claims.
func (s *shop) session(w http.ResponseWriter, r *http.Request) {
	userID := signedIn(r)
	if userID == "" {
		httpapi.Error(w, fault.New(fault.Unauthenticated, "signed_out", "sign in on the account page first"))
		return
	}
	s.prove(w, userID)
}

func (s *shop) signOut(w http.ResponseWriter, _ *http.Request) {
	http.SetCookie(w, cookie("", -1))
	w.WriteHeader(http.StatusNoContent)
}

func (s *shop) prove(w http.ResponseWriter, userID string) {
	proof, err := s.Issue(userID, proofLife)
	if err != nil {
		httpapi.Error(w, fault.New(fault.Internal, "no_proof", "check the identity secret").Because(err))
		return
	}
	http.SetCookie(w, cookie(userID, int((30*24*time.Hour).Seconds())))
	httpapi.Encode(w, http.StatusOK, session{UserID: userID, Proof: proof})
}

// cookie is not marked Secure, for the shop is served on a laptop over HTTP.
func cookie(userID string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: see above
		Name: sessionCookie, Value: url.QueryEscape(userID), Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// signedIn returns the signed-in user's id, empty when nobody is.
func signedIn(r *http.Request) string {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	userID, err := url.QueryUnescape(c.Value)
	if err != nil || !userIDs.MatchString(userID) {
		return ""
	}
	return userID
}
