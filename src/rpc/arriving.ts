/** Hands a service the messages of its caller as they arrive. */
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { toRefusal } from "./error.js";
import { within } from "./follow.js";
import type { Pass } from "./mount.js";

/**
 * Yields what `requests` yields, as long as the call lives. What the protocol library finds wrong with
 * a message is thrown as the refusal that it is. Leaving it never waits: the library's generators
 * are parked until the next message comes, and `return()` would queue up behind that.
 */
export function arriving<T extends Message>(
  requests: AsyncIterable<T>,
  method: DescMethod,
  pass: Pass,
): AsyncIterable<T> {
  const iterator = requests[Symbol.asyncIterator]();
  const leave = () => {
    iterator.return?.()?.catch(() => {});
  };
  const next = async (): Promise<IteratorResult<T>> => {
    try {
      return await within(iterator.next(), pass.life.ended);
    } catch (error) {
      leave();
      const found = error instanceof ConnectError;
      throw found ? toRefusal(error, method.input, pass.json, pass.message_bytes_max) : error;
    }
  };
  const end = async (): Promise<IteratorResult<T>> => {
    leave();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}
