/** Texts that are served beside the methods: figures, and the description of this surface. */
import type { DescMethod } from "@bufbuild/protobuf";

/** One page, read by GET. */
export interface Page {
  /** Exactly, at no other mount. */
  readonly path: string;
  /** Whoever may call this method may read the page; null lets everybody. */
  readonly like: DescMethod | null;
  /** What the page says now. */
  read(): Promise<{ readonly content_type: string; readonly text: string }>;
}
