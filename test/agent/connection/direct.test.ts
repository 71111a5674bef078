import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../../agent/clock.ts';
import type { WireReply } from '../../../agent/connection/bulk-transport.ts';
import { withDirectTransfer } from '../../../agent/connection/direct.ts';
import { createDirectStores, type DirectStores, StoreFault } from '../../../agent/connection/direct-store.ts';
import { MemoryVault } from '../../support/memory-vault.ts';

/** What needs no S3 server; the rest is in test/matrix/s3-direct.test.ts. */
const never = new AbortController().signal;
/** Pauses are over at once. */
const clock: Clock = {
  now: () => 0,
  after(_, task) {
    const soon = setImmediate(task);
    return () => clearImmediate(soon);
  },
};

async function listener(): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    outgoing.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, seen };
}

/** A vault whose control plane names these addresses, with stores that answer as told. */
function vaultWith(stores: DirectStores, { url = 'https://store.example.org/pack' } = {}) {
  const notes: string[] = [];
  const calls = { upload: 0, uploaded: 0, download: 0, relayedPuts: 0, relayedGets: 0 };
  const relayed = Object.assign(Object.create(new MemoryVault()), {
    putPack: async () => {
      calls.relayedPuts += 1;
    },
    getPack: async () => {
      calls.relayedGets += 1;
      return Buffer.from('relayed');
    },
  }) as MemoryVault;
  const ask = {
    upload: async () => {
      calls.upload += 1;
      return { way: 'direct' as const, url, headers: { 'if-none-match': '*' } };
    },
    uploaded: async () => {
      calls.uploaded += 1;
    },
    download: async () => {
      calls.download += 1;
      return { way: 'direct' as const, url };
    },
  };
  const onGivenUp = (reason: string) => void notes.push(reason);
  return { vault: withDirectTransfer(relayed, { ask, stores, clock, onGivenUp }), calls, notes };
}

const replying = (...replies: (Partial<WireReply> | Error)[]): DirectStores & { asked: number } => {
  const stores = {
    asked: 0,
    async exchange() {
      const reply = replies[Math.min(stores.asked, replies.length - 1)] as Partial<WireReply> | Error;
      stores.asked += 1;
      if (reply instanceof Error) throw reply;
      return { status: 200, headers: {}, body: Buffer.alloc(0), ...reply };
    },
    close() {},
  };
  return stores;
};

const pack = [randomBytes(100)];
const name = createHash('sha256').update(pack[0]!).digest('hex');
const range = { offset: 0, length: 3 };

test.each(['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '2130706433', '[::ffff:127.0.0.1]'])(
  'an address at %s is never asked: whatever listens on this host trusts it',
  async (host) => {
    const { port, seen } = await listener();
    const stores = createDirectStores();
    onTestFinished(() => stores.close());
    const { calls, notes, vault } = vaultWith(stores, { url: `http://${host}:${port}/admin` });
    await vault.putPack(name, pack, never);
    expect(await vault.getPack(name, range, never)).toEqual(Buffer.from('relayed'));
    expect(seen).toEqual([]);
    expect(calls).toMatchObject({ relayedPuts: 1, relayedGets: 1, uploaded: 0 });
    expect(notes).toHaveLength(1);
  },
);

test('what the cloud tells its hosts is not asked for', async () => {
  const stores = createDirectStores();
  onTestFinished(() => stores.close());
  const request = { method: 'GET', headers: {}, body: [] } as const;
  for (const host of ['169.254.169.254', '[fe80::1]', '[fd00:ec2::254]'])
    await expect(stores.exchange(`http://${host}/latest`, request, never)).rejects.toThrow(StoreFault);
});

test('only headers of stores travel along', async () => {
  const sent: Record<string, string>[] = [];
  const stores = createDirectStores(undefined, (_origin) => ({
    async exchange(wire) {
      sent.push(wire.headers);
      return { status: 200, headers: {}, body: Buffer.alloc(0) };
    },
    close() {},
  }));
  const headers = {
    'if-none-match': '*',
    'x-amz-checksum-sha256': 'abc',
    authorization: 'Basic eDp5',
    cookie: 'session=1',
    host: 'inner.example.org',
    'x-forwarded-for': '10.0.0.1',
  };
  await stores.exchange('https://store.example.org/', { method: 'PUT', headers, body: [] }, never);
  expect(sent).toEqual([{ 'if-none-match': '*', 'x-amz-checksum-sha256': 'abc' }]);
});

test('each try asks for a new address; five failures end it, and what comes later is not tried again', async () => {
  const stores = replying({ status: 403, body: Buffer.from('<Error><Code>AccessDenied</Code></Error>') });
  const { calls, notes, vault } = vaultWith(stores);
  await vault.putPack(name, pack, never);
  expect(calls).toMatchObject({ upload: 5, uploaded: 0, relayedPuts: 1 });
  await vault.putPack(name, pack, never);
  await vault.getPack(name, range, never);
  expect(stores.asked).toBe(5);
  expect(calls).toMatchObject({ upload: 5, relayedPuts: 2, relayedGets: 1 });
  expect(notes).toEqual(['The store answered 403 AccessDenied.']);
});

test('an upload counts only once the control plane has looked at it', async () => {
  const stores = replying(new StoreFault('cut'), { status: 200, body: Buffer.from('<Error></Error>') }, {});
  const { calls, vault } = vaultWith(stores);
  await vault.putPack(name, pack, never);
  expect(calls).toMatchObject({ upload: 3, uploaded: 1, relayedPuts: 0 });
});

test('an address is used for many reads, and asked for anew when it fails', async () => {
  const good = { status: 206, body: Buffer.from('abc') };
  const { calls, vault } = vaultWith(replying(good, good, { status: 403 }, good));
  for (let i = 0; i < 3; i += 1) expect(await vault.getPack(name, range, never)).toEqual(Buffer.from('abc'));
  expect(calls).toMatchObject({ download: 2, relayedGets: 0 });
});

test('a cancelled job does not go on to the control plane', async () => {
  const abort = new AbortController();
  const stores = replying(new StoreFault('cut'));
  const { calls, vault } = vaultWith(stores);
  const put = vault.putPack(name, pack, abort.signal);
  abort.abort(new Error('cancelled'));
  await expect(put).rejects.toThrow('cancelled');
  expect(calls.relayedPuts).toBe(0);
});
