/** Aligned columns without lines between them, for people. */
import Table from "cli-table3";
import { colour } from "./output.js";

/** A column: its heading, and where its cells stand. */
export interface Column {
  readonly heading: string;
  readonly align?: "left" | "right";
}

/** Lays out rows under headings. Cells may hold colours and wide characters. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const laid = borderless(columns.map((column) => column.align ?? "left"));
  laid.push(columns.map((column) => colour("dim", column.heading)));
  for (const row of rows) laid.push([...row]);
  return trimmed(laid.toString());
}

/** Lays out names and values, one pair a line. */
export function pairs(entries: readonly (readonly [string, string])[]): string {
  const laid = borderless(["left", "left"]);
  for (const [name, value] of entries) laid.push([colour("dim", name), value]);
  return trimmed(laid.toString());
}

function borderless(aligns: ("left" | "right")[]) {
  const nothing = { top: "", "top-mid": "", "top-left": "", "top-right": "" };
  const neither = { bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" };
  const middle = {
    left: "",
    "left-mid": "",
    mid: "",
    "mid-mid": "",
    right: "",
    "right-mid": "",
    middle: "  ",
  };
  return new Table({
    chars: { ...nothing, ...neither, ...middle },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    colAligns: aligns,
  });
}

function trimmed(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
