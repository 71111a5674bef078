/** Passwords hashed at the same time: the threads that do it are the ones that write packs. */
const HASHING = 2;
/** Sign-ins that wait for their turn; more are told to come back. */
const WAITING = 16;

/** Lets few hash passwords at a time: limits per address do not hold back whoever has many. */
export function createTurns() {
  const waiting: (() => void)[] = [];
  let busy = 0;
  return async (work: () => Promise<Response>): Promise<Response> => {
    if (busy >= HASHING && waiting.length >= WAITING) {
      return Response.json({ message: 'Too many requests. Please try again later.' }, { status: 429 });
    }
    if (busy >= HASHING) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else busy -= 1;
    }
  };
}
