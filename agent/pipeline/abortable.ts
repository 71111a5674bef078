/**
 * Iterates `body`, and throws the signal's reason as soon as it aborts, even while `body` is silent.
 * (`Promise.race` against one long-lived promise would keep a reaction for every item ever read.)
 */
export async function* abortable<T>(body: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  const iterator = body[Symbol.asyncIterator]();
  let interrupt: (reason: unknown) => void = () => {};
  const onAbort = () => interrupt(signal.reason);
  signal.addEventListener('abort', onAbort);
  let done = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const item = await new Promise<IteratorResult<T>>((resolve, reject) => {
        interrupt = reject;
        iterator.next().then(resolve, reject);
      });
      if (item.done) {
        done = true;
        return;
      }
      yield item.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a source stuck in `next()` would not answer before its next item.
    if (!done) iterator.return?.().catch(() => {});
  }
}
