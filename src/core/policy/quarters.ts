/**
 * Amounts by quarters of an hour of UTC, as flat numbers: `[quarter, actions, tokens, cost_usd_micros,
 * held tokens, held cost_usd_micros]` for each quarter in which something was counted, oldest first. Any
 * window of a calendar is a run of whole quarters, so it is added up where it is asked for.
 */
import type { Amounts } from "../event-parts.js";
import { quarter_ms } from "./calendar.js";

/** Numbers of one cell. */
const width = 6;

export interface Sums {
  readonly actions: number;
  readonly tokens: number;
  readonly cost_usd_micros: number;
  readonly held_tokens: number;
  readonly held_cost_usd_micros: number;
}

export const no_sums: Sums = {
  actions: 0,
  tokens: 0,
  cost_usd_micros: 0,
  held_tokens: 0,
  held_cost_usd_micros: 0,
};

export interface Added {
  readonly actions: number;
  readonly charge: Amounts | null;
  readonly reservation: Amounts | null;
}

/**
 * Adds to the cell of a time, which is the newest. Without room for a cell of its own, the newest one
 * before it becomes that of this time: what it holds counts longer than it should, and not shorter.
 *
 * @returns whether there is one cell more
 */
export function addCell(cells: number[], at: number, added: Added, may_grow: boolean): boolean {
  const quarter = Math.floor(at / quarter_ms);
  const newest = cells.length - width;
  const is_new = newest < 0 || (cells[newest] !== quarter && may_grow);
  if (is_new) {
    cells.push(quarter, 0, 0, 0, 0, 0);
  } else {
    cells[newest] = quarter;
  }
  const cell = cells.length - width;
  increase(cells, cell + 1, added.actions);
  increase(cells, cell + 2, added.charge?.tokens ?? 0);
  increase(cells, cell + 3, added.charge?.cost_usd_micros ?? 0);
  increase(cells, cell + 4, added.reservation?.tokens ?? 0);
  increase(cells, cell + 5, added.reservation?.cost_usd_micros ?? 0);
  return is_new;
}

/**
 * What was held since a time is given back, and what it came to is counted, in the window of that time.
 *
 * @param is_gone whether that time is out of every window: its cell may have been dropped
 * @returns whether that was not in the newest cell
 */
export function settleCell(
  cells: number[],
  held: Amounts & { readonly at: number },
  actual: Amounts,
  is_gone: boolean,
): boolean {
  const quarter = Math.floor(held.at / quarter_ms);
  let cell = cells.length - width;
  // Mostly one of the newest. Where cells were put together, the one that took it in.
  while (cell >= width && (cells[cell - width] as number) >= quarter) {
    cell -= width;
  }
  if (cell < 0 || (cells[cell] as number) < quarter || (is_gone && cells[cell] !== quarter)) {
    return false;
  }
  increase(cells, cell + 2, actual.tokens);
  increase(cells, cell + 3, actual.cost_usd_micros);
  increase(cells, cell + 4, -held.tokens);
  increase(cells, cell + 5, -held.cost_usd_micros);
  return cell < cells.length - width;
}

/** Drops the cells that ended before a time, but never the newest; returns whether there were any. */
export function dropCells(cells: number[], before: number): boolean {
  const quarter = Math.floor(before / quarter_ms);
  let dropped = 0;
  while (dropped < cells.length - width && (cells[dropped] as number) < quarter) {
    dropped += width;
  }
  if (dropped > 0) {
    cells.splice(0, dropped);
  }
  return dropped > 0;
}

/** The sums of the cells from a time on, which lies on the edge of a quarter, without the newest. */
export function sumOlder(cells: readonly number[], from: number): Sums {
  const quarter = Math.floor(from / quarter_ms);
  const sums: [number, number, number, number, number] = [0, 0, 0, 0, 0];
  for (let cell = cells.length - 2 * width; cell >= 0 && (cells[cell] as number) >= quarter; cell -= width) {
    for (let unit = 0; unit < sums.length; unit++) {
      increase(sums, unit, cells[cell + 1 + unit] as number);
    }
  }
  const [actions, tokens, cost_usd_micros, held_tokens, held_cost_usd_micros] = sums;
  return { actions, tokens, cost_usd_micros, held_tokens, held_cost_usd_micros };
}

/** The same with the newest cell, if it is not before that time. */
export function addNewest(older: Sums, cells: readonly number[], from: number): Sums {
  const cell = cells.length - width;
  if (cell < 0 || (cells[cell] as number) < Math.floor(from / quarter_ms)) {
    return older;
  }
  return {
    actions: plus(older.actions, cells[cell + 1] as number),
    tokens: plus(older.tokens, cells[cell + 2] as number),
    cost_usd_micros: plus(older.cost_usd_micros, cells[cell + 3] as number),
    held_tokens: plus(older.held_tokens, cells[cell + 4] as number),
    held_cost_usd_micros: plus(older.held_cost_usd_micros, cells[cell + 5] as number),
  };
}

function increase(numbers: number[], place: number, by: number): void {
  numbers[place] = Math.max(0, plus(numbers[place] as number, by));
}

/** Never passes what a number holds exactly: one more than any limit is far enough. */
function plus(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER + 1);
}
