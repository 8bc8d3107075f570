package cloud_test

import (
	"os"
	"strings"
	"testing"

	"rapport/infra/cloud"
	"rapport/shared/fault"
)

func TestProblemsNameTheirLine(t *testing.T) {
	const function = "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n"
	for name, c := range map[string]struct{ template, want string }{
		"unknown resource":   {"Resources:\n  T:\n    Type: AWS::SNS::Topic\n", `template.yaml:2: the local cloud does not know resources of type "AWS::SNS::Topic"`},
		"unknown section":    {"Conditions: {}\n", "template.yaml:1: the local cloud does not know Conditions"},
		"unknown property":   {function + "      VpcConfig: {}\n", "template.yaml:5: the local cloud does not know VpcConfig in a function"},
		"unknown event":      {function + "      Events:\n        S:\n          Type: S3\n", `template.yaml:6: the local cloud does not know events of type "S3"`},
		"cron":               {function + "      Events:\n        S: { Type: Schedule, Properties: { Schedule: cron(0 8 * * ? *) } }\n", "template.yaml:6: the local cloud runs schedules like rate(5 minutes) only"},
		"rate of nothing":    {function + "      Events:\n        S: { Type: Schedule, Properties: { Schedule: rate(0 minutes) } }\n", "template.yaml:6: a rate is between 1 and 10000"},
		"bad input":          {function + "      Events:\n        S: { Type: Schedule, Properties: { Schedule: rate(1 minute), Input: '{' } }\n", "template.yaml:6: Input must be JSON"},
		"unknown reference":  {function + "      Environment:\n        Variables:\n          A: !Ref Nothing\n", `template.yaml:7: there is no resource or parameter "Nothing"`},
		"unknown attribute":  {function + "      Environment:\n        Variables:\n          A: !GetAtt F.Color\n", "template.yaml:7: the local cloud does not know the attribute Color of F"},
		"attribute of none":  {function + "      Environment:\n        Variables:\n          A: !GetAtt G.Arn\n", `template.yaml:7: there is no resource "G"`},
		"unknown intrinsic":  {function + "      Timeout: !If [a, 1, 2]\n", "template.yaml:5: the local cloud cannot resolve !If"},
		"sub of nothing":     {function + "      Environment:\n        Variables:\n          A: !Sub '${Nothing}-x'\n", `template.yaml:7: there is no resource or parameter "Nothing"`},
		"no parameter":       {"Parameters:\n  Color: { Type: String }\n", "template.yaml:2: the parameter Color has no value"},
		"no queue":           {function + "      Events:\n        Q: { Type: SQS, Properties: { Queue: arn:aws:sqs:x:y:z } }\n", `template.yaml:6: "arn:aws:sqs:x:y:z" is no queue of this template`},
		"unknown response":   {"Resources:\n  Q: { Type: AWS::SQS::Queue }\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        Q: { Type: SQS, Properties: { Queue: !GetAtt Q.Arn, FunctionResponseTypes: [Other] } }\n", "template.yaml:7: the local cloud knows no FunctionResponseTypes but"},
		"unknown SQS option": {"Resources:\n  Q: { Type: AWS::SQS::Queue }\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        Q: { Type: SQS, Properties: { Queue: !GetAtt Q.Arn, FilterCriteria: {} } }\n", "template.yaml:7: the local cloud does not know FilterCriteria in an SQS event"},
		"FIFO queue":         {"Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      FifoQueue: true\n", "template.yaml:5: the local cloud does not know FifoQueue in a queue"},
		"own dead letters":   {"Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: { deadLetterTargetArn: !GetAtt Q.Arn, maxReceiveCount: 3 }\n", "template.yaml:5: maxReceiveCount must be 1 or more"},
		"not a number":       {"Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      VisibilityTimeout: soon\n", "template.yaml:5: a whole number is expected"},
		"unknown operator":   {"Resources:\n  R:\n    Type: AWS::Events::Rule\n    Properties:\n      EventPattern: { source: [{ wildcard: 'a*' }] }\n", `template.yaml:5: source: the local cloud does not know the operator "wildcard"`},
		"no pattern":         {"Resources:\n  R:\n    Type: AWS::Events::Rule\n    Properties:\n      EventBusName: x\n", "template.yaml:5: a rule needs a pattern"},
		"a rule by schedule": {"Resources:\n  R:\n    Type: AWS::Events::Rule\n    Properties:\n      ScheduleExpression: rate(1 minute)\n", "template.yaml:5: the local cloud does not know ScheduleExpression in a rule"},
		"route without path": {function + "      Events:\n        H: { Type: HttpApi }\n", "template.yaml:6: a route needs a Path"},
		"CORS by the API":    {"Resources:\n  A:\n    Type: AWS::Serverless::HttpApi\n    Properties:\n      CorsConfiguration: true\n", "template.yaml:5: the local cloud does not know CorsConfiguration"},
		"list for a value":   {function + "      Environment:\n        Variables:\n          A: [1]\n", "template.yaml:7: a single value is expected here"},
	} {
		t.Run(name, func(t *testing.T) {
			err := cloud.Parse(c.template, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v,\nwant %s", err, c.want)
			}
		})
	}
}

func TestWhatIsBilledBesideARun(t *testing.T) {
	const function = "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      LoggingConfig: { LogGroup: g }\n"
	const quiet = "Globals:\n  Function:\n    Tracing: PassThrough\n    LoggingConfig: { LogFormat: JSON, SystemLogLevel: WARN }\n"
	for name, c := range map[string]struct {
		template        string
		reports, traced bool
	}{
		"as AWS has it":        {function, true, false},
		"quiet for all":        {quiet + function, false, false},
		"loud for one":         {quiet + function + "      Tracing: Active\n", false, true},
		"own level beside all": {quiet + strings.Replace(function, "LogGroup: g", "SystemLogLevel: INFO", 1), true, false},
	} {
		reports, traced, err := cloud.Billed(c.template, "F")
		if err != nil || reports != c.reports || traced != c.traced {
			t.Errorf("%s: reports %v, traced %v, %v", name, reports, traced, err)
		}
	}
}

func TestAllProblemsAreTold(t *testing.T) {
	err := cloud.Parse("Resources:\n  A: { Type: X }\n  B: { Type: Y }\n", nil)
	if err == nil || strings.Count(err.Error(), "template.yaml:") != 2 {
		t.Errorf("error is %v", err)
	}
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("kind is %s", fault.KindOf(err))
	}
}

func TestNotYAML(t *testing.T) {
	if err := cloud.Parse("a: [", nil); fault.KindOf(err) != fault.Malformed {
		t.Errorf("error is %v", err)
	}
}

func TestAFunctionThatNothingImplements(t *testing.T) {
	path := t.TempDir() + "/template.yaml"
	if err := os.WriteFile(path, []byte(workshop), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := cloud.Open(cloud.Config{Template: path, Data: t.TempDir(), Functions: map[string]cloud.Builder{"DoorFunction": door}})
	if err == nil || !strings.Contains(err.Error(), "template.yaml:17: nothing implements WorkerFunction") {
		t.Errorf("error is %v", err)
	}
}

func TestAMissingTemplate(t *testing.T) {
	_, err := cloud.Open(cloud.Config{Template: t.TempDir() + "/none.yaml", Data: t.TempDir()})
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("error is %v", err)
	}
}

func TestReferencesInEveryForm(t *testing.T) {
	const template = `
Parameters:
  Color: { Type: String, Default: green }
  Size: { Type: Number, Default: 3 }
Globals:
  Function:
    Environment: { Variables: { SHARED: both, COLOR: grey } }
Resources:
  Jobs: { Type: AWS::SQS::Queue }
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: !Sub "${AWS::StackName}-bus" } }
  Table: { Type: AWS::DynamoDB::Table }
  AskFunction:
    Type: AWS::Serverless::Function
    Properties:
      Environment:
        Variables:
          COLOR: !Ref Color
          SIZE: { Ref: Size }
          QUEUE: !Ref Jobs
          ARN: !GetAtt Jobs.Arn
          LIST: { "Fn::GetAtt": [Jobs, QueueName] }
          BUS: !Ref Bus
          TABLE: !Ref Table
          SUB: !Sub "${Color}/${Bus}/${Jobs.Arn}/${!kept}"
          OWN: !Sub ["${x}-${Color}", { x: !Ref Size }]
          JOIN: !Join ["-", [a, !Ref Color]]
`
	want := map[string]string{
		"COLOR": "red", "SIZE": "3", "QUEUE": "https://sqs.local/000000000000/Jobs",
		"ARN": "arn:aws:sqs:local:000000000000:Jobs", "LIST": "Jobs", "BUS": "rapport-bus", "TABLE": "Table",
		"SUB": "red/rapport-bus/arn:aws:sqs:local:000000000000:Jobs/${kept}", "OWN": "3-red", "JOIN": "a-red", "SHARED": "both",
	}
	got, err := cloud.Variables(template, "AskFunction", map[string]string{"Color": "red"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Errorf("%d variables, want %d", len(got), len(want))
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}
