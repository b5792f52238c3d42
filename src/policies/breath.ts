/** Gives way between pieces of work that take long together: what is asked in earnest does not wait for all of it. */
export function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
