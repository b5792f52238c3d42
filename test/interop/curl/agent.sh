#!/bin/sh
# An agent of curl and sed alone. It takes the steps of test/interop/containment.ts.
set -eu

# Calls the path $1 with the other arguments; prints the reply.
call() {
  path=$1
  shift
  curl --silent --show-error "$KILLCORD_URL/v1/enforce$path" -H "X-API-Key: $KILLCORD_API_KEY" "$@"
}

# The text member $1 of the JSON on stdin; nothing where there is none.
text() {
  sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"
}

start() {
  call /sessions/start -d "{\"agent_id\": \"curl\", \"budgets\": {\"max_actions\": $1}}" | text session_id
}

intercept() {
  call /intercept -d "{\"session_id\": \"$1\", \"action_type\": \"transfer_funds\", \"action_content\": \"pay 5\"}"
}

bounded=$(start 2)
first=$(intercept "$bounded" | text decision)
second=$(intercept "$bounded" | text decision)
third=$(intercept "$bounded")
printf '{"step":"budget","verdicts":["%s","%s","%s"],"stop_reason":"%s"}\n' \
  "$first" "$second" "$(echo "$third" | text decision)" "$(echo "$third" | text stop_reason)"

watched=$(start 100)
step=watching
# Each event's data is one line; the loop ends when the server ends the stream.
call "/sessions/$watched/watch" --no-buffer | while IFS= read -r line; do
  status=$(echo "$line" | text status)
  case "$step $status" in
  *' ') ;;
  'watching '*)
    printf '{"step":"watching","session_id":"%s","status":"%s"}\n' "$watched" "$status"
    step=stopped
    ;;
  'stopped active') ;;
  'stopped '*)
    printf '{"step":"stopped","status":"%s","kill_reason":"%s","stop_reason":"%s","halt_id":"%s"}\n' "$status" \
      "$(echo "$line" | text kill_reason)" "$(echo "$line" | text stop_reason)" "$(echo "$line" | text halt_id)"
    ;;
  esac
done
after=$(intercept "$watched")
acknowledged=$(call "/sessions/$watched/acknowledge" \
  -d "{\"halt_id\": \"$(echo "$after" | text halt_id)\", \"phase\": \"stopped\", \"evidence\": \"tasks_cancelled\"}")
printf '{"step":"after","verdict":"%s","status":"%s"}\n' \
  "$(echo "$after" | text decision)" "$(echo "$acknowledged" | text status)"

refused=$(call "/sessions/$(start 1)/kill" -X POST --write-out '\n{"http_status":"%{http_code}"}')
printf '{"step":"refused","http_status":%s,"code":"%s"}\n' \
  "$(echo "$refused" | text http_status)" "$(echo "$refused" | text code)"
