package site

// Tea is one thing on the shelf.
type Tea struct {
	ID       string // in the address of its page, as product_id and in the name of its drawing
	Name     string
	Category string
	Origin   string
	Price    string // euros with two decimals; money is text until the page counts
	Weight   string
	Note     string // one line for the shelf
	Text     string
	Brew     Brew
}

// Brew says how to make a good cup.
type Brew struct{ Water, Time, Leaf string }

// teas is the shelf, in the order in which it is shown.
var teas = []Tea{
	{
		ID: "linden-blossom", Name: "Linden Blossom", Category: "Herbal", Origin: "Podillia, Ukraine",
		Price: "7.20", Weight: "60 g", Note: "Honey, hay and a warm July evening.",
		Text: "Picked in the first week of July, while the trees hum with bees, and dried in the shade of a barn loft. " +
			"Soft and sweet without any sugar; the tea our shop is named after.",
		Brew: Brew{"95 °C", "7 minutes", "3 g a cup"},
	},
	{
		ID: "mountain-herbs", Name: "Mountain Herbs", Category: "Herbal", Origin: "Carpathians, Ukraine",
		Price: "8.50", Weight: "70 g", Note: "Wild thyme, mint and St John's wort.",
		Text: "A blend from one high meadow and one family, who cut it by hand above the tree line. " +
			"Clear and a little resinous; good after a long walk, or instead of one.",
		Brew: Brew{"95 °C", "6 minutes", "3 g a cup"},
	},
	{
		ID: "fireweed", Name: "Fireweed Leaf", Category: "Herbal", Origin: "Polissia, Ukraine",
		Price: "9.00", Weight: "80 g", Note: "Fermented like a black tea, and free of caffeine.",
		Text: "Young leaves are rolled, left to ferment overnight and dried in a wood-fired oven. " +
			"The cup is amber, with plum, dried apple and a trace of smoke.",
		Brew: Brew{"90 °C", "5 minutes", "4 g a cup"},
	},
	{
		ID: "spring-green", Name: "Spring Green", Category: "Green", Origin: "Zhejiang, China",
		Price: "16.50", Weight: "50 g", Note: "Flat leaves, pan-fired before the rains.",
		Text: "The first flush of the year, pressed flat against a hot wok within hours of picking. " +
			"Chestnut and sweet pea; be gentle with the water and it will stay sweet for three infusions.",
		Brew: Brew{"80 °C", "2 minutes", "3 g a cup"},
	},
	{
		ID: "harvest-oolong", Name: "Harvest Oolong", Category: "Oolong", Origin: "Nantou, Taiwan",
		Price: "18.00", Weight: "50 g", Note: "Tightly rolled, and unrolling for hours.",
		Text: "Grown at 1,400 metres, lightly oxidised and rolled into small green pearls that open over six infusions. " +
			"Orchid at first, then butter, then a cool sweetness that stays.",
		Brew: Brew{"90 °C", "2 minutes", "5 g a pot"},
	},
	{
		ID: "morning-assam", Name: "Morning Assam", Category: "Black", Origin: "Assam, India",
		Price: "9.80", Weight: "100 g", Note: "Malt and copper, with room for milk.",
		Text: "A second-flush leaf from a single garden, for people who mean it when they say breakfast. " +
			"Round, malty and strong enough for milk; it never turns bitter if you take the leaves out in time.",
		Brew: Brew{"100 °C", "4 minutes", "3 g a cup"},
	},
}

func find(id string) (Tea, bool) {
	for _, t := range teas {
		if t.ID == id {
			return t, true
		}
	}
	return Tea{}, false
}
