/** What rotation adds to the entry of a new key. */

/** What a new key or credential says of the one that it replaces; nothing when it replaces none. */
export interface Replacement {
  /** Its id. */
  readonly replaces?: string;
  /** When that one's secret stops being good. */
  readonly overlap_ends_at?: number;
}
