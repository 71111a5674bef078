import type { HttpBindings } from '@hono/node-server';

/** What every request has, whoever it is from. */
export interface RequestEnv {
  /** Absent where the app is called without a socket, as tests do. */
  Bindings: Partial<HttpBindings>;
  Variables: {
    /** Address the request came from. */
    from: string;
  };
}
