package killcord

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	v1 "killcord.example/killcord/gen/killcord/v1"
)

// Cost is what an action costs, or may cost.
type Cost struct {
	// Tokens, 0 and up.
	Tokens int64
	// CostUSD is money as a decimal such as "0.0125", 0 to 9007199254.740991; empty is none. It is
	// exact to a millionth: a finer amount is refused, not rounded. MicroUSD writes one, and
	// fmt.Sprintf("%.6f", price) rounds where that is meant.
	CostUSD string
}

// Amounts are what the server counts.
type Amounts struct {
	Tokens        int64
	CostUSDMicros int64 // millionths of a USD
}

// MicroUSD writes millionths of a USD as a decimal of USD, for Cost and Budgets.
func MicroUSD(micros int64) string {
	if micros < 0 {
		return strconv.FormatInt(micros, 10) // the server, and wireUSD before it, refuse it
	}
	text := fmt.Sprintf("%d.%06d", micros/1e6, micros%1e6)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

var plainDecimal = regexp.MustCompile(`^(0|[1-9][0-9]*)(?:\.([0-9]+))?$`)

const (
	maxAmount = 1<<53 - 1
	// maxDigits of the whole part that any amount within the bounds has.
	maxDigits = 10
)

// wireUSD is an amount as the server takes it: nil for none. Nothing is rounded on the way.
func wireUSD(name, text string) (*string, error) {
	if text == "" {
		return nil, nil
	}
	parts := plainDecimal.FindStringSubmatch(text)
	if parts == nil || len(parts[1]) > maxDigits {
		return nil, noAmount(name, text)
	}
	fraction := strings.TrimRight(parts[2], "0")
	if len(fraction) > 6 {
		return nil, noAmount(name, text)
	}
	micros, err := strconv.ParseInt(parts[1]+fraction+strings.Repeat("0", 6-len(fraction)), 10, 64)
	if err != nil || micros > maxAmount {
		return nil, noAmount(name, text)
	}
	amount := MicroUSD(micros)
	return &amount, nil
}

func noAmount(name, text string) error {
	return &RequestRefused{code: "invalid_argument", Message: fmt.Sprintf(
		"%s is %q: it must be USD from 0 to 9007199254.740991 as a plain decimal, no finer than a millionth", name, text)}
}

// wire is the cost as the server takes it; nil stays nil.
func (c *Cost) wire(name string) (*v1.Cost, error) {
	if c == nil {
		return nil, nil
	}
	if c.Tokens < 0 || c.Tokens > maxAmount {
		return nil, &RequestRefused{code: "invalid_argument", Message: fmt.Sprintf("%s.Tokens is %d: it must be 0 to %d", name, c.Tokens, int64(maxAmount))}
	}
	usd, err := wireUSD(name+".CostUSD", c.CostUSD)
	if err != nil {
		return nil, err
	}
	return &v1.Cost{Tokens: &c.Tokens, CostUsd: usd}, nil
}

func amountsOf(held *v1.Reserved) Amounts {
	return Amounts{Tokens: held.GetTokens(), CostUSDMicros: held.GetCostUsdMicros()}
}
