package killcord_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"killcord.example/killcord"
	v1 "killcord.example/killcord/gen/killcord/v1"
)

// The texts among the amounts of the server's own test data; this client takes no numbers.
func TestMoneyIsWhatTheServerReads(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	var data struct {
		Money []struct {
			Input string
			Text  *string
			Error string
		}
	}
	if err := json.Unmarshal([]byte(read(t, "../../test/vectors/rest/params.json")), &data); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, each := range data.Money {
		var text string
		if json.Unmarshal([]byte(each.Input), &text) != nil || text == "" {
			continue
		}
		tried++
		session, err := c.StartSession(context.Background(), killcord.StartOptions{
			AgentID: "a", Budgets: killcord.Budgets{MaxCostUSD: text},
		})
		if each.Error != "" {
			isInvalid(t, err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if kept := common.session(t, session.ID()).GetBudgets().GetMaxCostUsd(); kept != *each.Text {
			t.Errorf("%s is kept as %s", each.Input, kept)
		}
		session.Close()
	}
	if tried < 10 {
		t.Fatal(tried, "amounts tried")
	}
}

func TestAmountsThatCannotBeKeptAreNotSent(t *testing.T) {
	t.Parallel()
	c, _ := client(t, common, killcord.Options{})
	session := start(t, c, killcord.StartOptions{})
	for _, cost := range []killcord.Cost{
		{Tokens: -1}, {Tokens: 1 << 53}, {CostUSD: "0.0000001"}, {CostUSD: strings.Repeat("9", 400)}, {CostUSD: killcord.MicroUSD(-1)},
	} {
		_, err := session.Intercept(context.Background(), killcord.Action{Type: "x", Cost: &cost})
		isInvalid(t, err)
	}
	if _, err := session.Reserve(context.Background(), killcord.Action{Type: "x"}); err == nil {
		t.Error("reserved nothing")
	}
	if used := common.session(t, session.ID()).GetConsumed().GetActions(); used != 0 {
		t.Fatalf("%d actions counted", used)
	}
}

func TestMicroUSDIsADecimal(t *testing.T) {
	t.Parallel()
	for micros, text := range map[int64]string{
		0: "0", 1: "0.000001", 1_500_000: "1.5", 10_000_000: "10", 1<<53 - 1: "9007199254.740991",
	} {
		if written := killcord.MicroUSD(micros); written != text {
			t.Errorf("%d is %s", micros, written)
		}
	}
}

func isInvalid(t *testing.T, err error) {
	t.Helper()
	var refused *killcord.RequestRefused
	if !errors.As(err, &refused) || refused.Code() != "invalid_argument" {
		t.Error(err)
	}
}

func (s *server) session(t *testing.T, id string) *v1.Session {
	t.Helper()
	answer, err := s.sessions.GetSession(s.admin(), &v1.GetSessionRequest{SessionId: id})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetSession()
}
