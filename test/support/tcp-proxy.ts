import { createConnection, createServer, type Socket } from 'node:net';

/** A relay in front of a TCP port that a test can disturb. Connections made later are disturbed as well. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Live connections right now. */
  connections(): number;
  /** Breaks every live connection with a reset; new ones work. */
  cut(): void;
  /** Refuses (resets) new connections until `mend()`; breaks live ones. */
  refuse(): void;
  /** Swallows all bytes both ways without closing anything, as a dead link does, until `mend()`. */
  halfOpen(): void;
  /** Holds every chunk back for this many milliseconds. */
  delay(milliseconds: number): void;
  /** Normal working from now on. Connections that were half open stay dead: their bytes are gone. */
  mend(): void;
  close(): Promise<void>;
}

type Mode = 'normal' | 'refuse' | 'half-open';
interface Link {
  client: Socket;
  target: Socket;
  dead: boolean;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  let mode: Mode = 'normal';
  let delayMs = 0;
  const links = new Set<Link>();
  const server = createServer((client) => {
    if (mode === 'refuse') return void client.resetAndDestroy();
    const link: Link = { client, target: createConnection(target), dead: mode === 'half-open' };
    links.add(link);
    relay(link, client, link.target, () => delayMs);
    relay(link, link.target, client, () => delayMs);
    client.once('close', () => links.delete(link));
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve()),
  );
  const address = server.address();
  const cut = () => {
    for (const link of links) {
      link.client.resetAndDestroy();
      link.target.destroy();
    }
  };
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      cut();
    });
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    connections: () => links.size,
    cut,
    refuse: () => {
      mode = 'refuse';
      cut();
    },
    halfOpen: () => {
      mode = 'half-open';
      for (const link of links) link.dead = true;
    },
    delay: (milliseconds) => {
      delayMs = milliseconds;
    },
    mend: () => {
      mode = 'normal';
      delayMs = 0;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function relay(link: Link, from: Socket, to: Socket, delayMs: () => number) {
  from.on('data', (chunk) => {
    if (link.dead) return;
    const forward = () => {
      if (link.dead || to.destroyed) return;
      if (!to.write(chunk)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    };
    const wait = delayMs();
    if (wait > 0) setTimeout(forward, wait);
    else forward();
  });
  from.on('end', () => !link.dead && to.end());
  from.on('error', () => to.destroy());
  from.on('close', () => !link.dead && to.destroy());
}
