#!/bin/sh
# An agent of curl and sed alone. It takes the steps of test/interop/containment.ts.
set -eu

# POST a path and a body; prints the reply.
post() {
  curl --silent --show-error "$KILLCORD_URL/v1/enforce$1" -H "X-API-Key: $KILLCORD_API_KEY" -d "$2"
}

# The text member $1 of the flat part of the JSON on stdin.
text() {
  sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

start() {
  post /sessions/start "{\"agent_id\": \"curl\", \"budgets\": {$1}}" | text session_id
}

intercept() {
  post /intercept "{\"session_id\": \"$1\", \"action_type\": \"transfer_funds\", \"action_content\": \"pay 5\"}"
}

bounded=$(start '"max_actions": 2')
first=$(intercept "$bounded" | text decision)
second=$(intercept "$bounded" | text decision)
third=$(intercept "$bounded")
printf '{"step":"budget","verdicts":["%s","%s","%s"],"stop_reason":"%s"}\n' \
  "$first" "$second" "$(printf %s "$third" | text decision)" "$(printf %s "$third" | text stop_reason)"

