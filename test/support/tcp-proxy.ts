import { createConnection, createServer, type Socket } from 'node:net';

/** A relay in front of a TCP port that a test can disturb. Connections made later are disturbed as well. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Live connections right now. */
  connections(): number;
  /** Breaks every live connection with a reset; new ones work. */
  cut(): void;
  /** Resets new connections until `mend()`; breaks live ones. */
  refuse(): void;
  /** Swallows all bytes both ways without closing anything, as a dead link does, until `mend()`. */
  halfOpen(): void;
  /** Holds every chunk back for this many milliseconds. */
  delay(milliseconds: number): void;
  /** Lets about this many more bytes come from one side, then none until `mend()`; nothing is lost. */
  holdAfter(bytes: number, from?: 'client' | 'target'): void;
  /** Whether `holdAfter` has begun to hold. */
  holding(): boolean;
  /** Normal working from now on. Connections that were half open stay dead: their bytes are gone. */
  mend(): void;
  close(): Promise<void>;
}

interface Disturbance {
  mode: 'normal' | 'refuse' | 'half-open';
  delayMs: number;
  /** Bytes that may still come from that side. */
  budget: { client: number; target: number };
  /** Readers waiting for `mend()`, with what passes on the bytes they have read. */
  held: Map<Socket, () => void>;
}

interface Link {
  client: Socket;
  target: Socket;
  dead: boolean;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const state: Disturbance = {
    mode: 'normal',
    delayMs: 0,
    budget: unlimited(),
    held: new Map(),
  };
  const links = new Set<Link>();
  const server = createServer((client) => {
    if (state.mode === 'refuse') return void client.resetAndDestroy();
    const link: Link = { client, target: createConnection(target), dead: state.mode === 'half-open' };
    links.add(link);
    relay(link, { from: client, to: link.target }, state);
    relay(link, { from: link.target, to: client }, state);
    client.once('close', () => links.delete(link));
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve()),
  );
  const address = server.address();
  const controls = createControls(state, links);
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      controls.cut();
    });
  return {
    ...controls,
    port: typeof address === 'object' && address ? address.port : 0,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createControls(state: Disturbance, links: Set<Link>) {
  const cut = () => {
    for (const link of links) {
      link.client.resetAndDestroy();
      link.target.destroy();
    }
  };
  return {
    connections: () => links.size,
    cut,
    refuse: () => {
      state.mode = 'refuse';
      cut();
    },
    halfOpen: () => {
      state.mode = 'half-open';
      for (const link of links) link.dead = true;
    },
    delay: (milliseconds: number) => {
      state.delayMs = milliseconds;
    },
    holdAfter: (bytes: number, from: 'client' | 'target' = 'target') => {
      state.budget[from] = bytes;
    },
    holding: () => state.held.size > 0,
    mend: () => {
      Object.assign(state, { mode: 'normal', delayMs: 0, budget: unlimited() });
      const held = [...state.held];
      state.held.clear();
      for (const [socket, forward] of held) {
        socket.resume();
        forward();
      }
    },
  };
}

function relay(link: Link, { from, to }: { from: Socket; to: Socket }, state: Disturbance) {
  const side = from === link.client ? 'client' : 'target';
  from.on('data', (chunk) => {
    if (link.dead) return;
    const forward = () => {
      if (link.dead || to.destroyed || to.write(chunk)) return;
      from.pause();
      to.once('drain', () => !state.held.has(from) && from.resume());
    };
    if (state.budget[side] <= 0) {
      from.pause();
      state.held.set(from, forward);
      return;
    }
    state.budget[side] -= chunk.length;
    if (state.delayMs > 0) setTimeout(forward, state.delayMs);
    else forward();
  });
  from.on('end', () => !link.dead && to.end());
  from.on('error', () => to.destroy());
  from.on('close', () => {
    state.held.delete(from);
    if (!link.dead) to.destroy();
  });
}

function unlimited(): Disturbance['budget'] {
  return { client: Number.POSITIVE_INFINITY, target: Number.POSITIVE_INFINITY };
}
