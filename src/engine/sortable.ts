/** An index as text that sorts like the number: 12 hex digits, since indexes are below 2^48. */
export function sortable(sequence: number): string {
  return sequence.toString(16).padStart(12, "0");
}
