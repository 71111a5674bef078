/** One answer of the control plane, as whoever asked got it. */
export interface Answer {
  method: string;
  /** Path with query. */
  path: string;
  status: number;
  contentType: string;
  /** All header lines, those of cookies too. */
  headers: string;
  /** Empty for the event stream, which has no end. */
  body: string;
}

export interface Answers extends Disposable {
  readonly all: readonly Answer[];
  /** Waits until every answer so far is here whole. */
  settled(): Promise<void>;
}

/** The route that answered, e.g. `POST /api/v1/vaults/:id/recovery-kit`. */
export function routeOf({ method, path }: Pick<Answer, 'method' | 'path'>): string {
  return `${method} ${path.split('?')[0]?.replaceAll(/\/[0-9a-f]{8}-[0-9a-f-]{27}(?=\/|$)/g, '/:id')}`;
}

/** Keeps every answer that this process gets by `fetch` from now on, whoever asks. */
export function recordAnswers(): Answers {
  const original = globalThis.fetch;
  const all: Answer[] = [];
  const pending: Promise<unknown>[] = [];
  globalThis.fetch = async (input, init) => {
    const response = await original(input, init);
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    const answer = {
      method: init?.method ?? 'GET',
      path: pathname + search,
      status: response.status,
      contentType: (response.headers.get('content-type') ?? '').split(';')[0] ?? '',
      headers: [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n'),
      body: '',
    };
    all.push(answer);
    if (answer.contentType !== 'text/event-stream') {
      const whole = response.clone().arrayBuffer();
      pending.push(
        whole.then(
          (bytes) => {
            answer.body = Buffer.from(bytes).toString('latin1');
          },
          () => undefined,
        ),
      );
    }
    return response;
  };
  return {
    all,
    settled: async () => void (await Promise.all(pending)),
    [Symbol.dispose]() {
      globalThis.fetch = original;
    },
  };
}
