/**
 * Items of a list that a transport could not read. They travel in their place as empty messages, so
 * that the service answers for each by itself and in order.
 */
import type { Message } from "@bufbuild/protobuf";
import type { KillcordError } from "./errors.js";

const faults = new WeakMap<Message, KillcordError>();

/** Says that a message stands for something that could not be read. */
export function markMalformed(message: Message, fault: KillcordError): void {
  faults.set(message, fault);
}

/** @throws {KillcordError} what was wrong with the message where it was read */
export function refuseMalformed(message: Message): void {
  const fault = faults.get(message);
  if (fault !== undefined) {
    throw fault;
  }
}
