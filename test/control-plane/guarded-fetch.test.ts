import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createGuardedFetch } from '../../control-plane/auth/oidc/guarded-fetch.ts';
import { createOutgoing } from '../../protocol/outgoing.ts';

/** The way to whatever a discovery document names. */
async function serve(answer: RequestListener): Promise<{ port: number; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, asked: () => asked };
}

const ask = (allowLocal: boolean, url: string) =>
  createGuardedFetch(createOutgoing(allowLocal))(url, {
    method: 'POST',
    headers: {},
    body: 'a=b',
    redirect: 'manual',
    signal: AbortSignal.timeout(5_000),
  });

test.for(['127.0.0.1', 'localhost'])('nothing is sent to %s unless the operator allows it', async (host) => {
  const { asked, port } = await serve((_request, response) => response.end('{}'));
  await expect(ask(false, `http://${host}:${port}/token`)).rejects.toMatchObject({
    failure: { code: 'forbidden' },
  });
  expect(asked()).toBe(0);
  expect(await (await ask(true, `http://${host}:${port}/token`)).text()).toBe('{}');
});

test('nor in the clear to another host', async () => {
  await expect(ask(true, 'http://example.org/token')).rejects.toMatchObject({
    failure: { code: 'invalid_input', message: expect.stringContaining('not an HTTPS address') },
  });
});

test('a redirect is not followed', async () => {
  const { asked, port } = await serve((_request, response) =>
    response.writeHead(302, { location: '/elsewhere' }).end(),
  );
  expect((await ask(true, `http://127.0.0.1:${port}/token`)).status).toBe(302);
  expect(asked()).toBe(1);
});

test('an answer without end is given up', async () => {
  const { port } = await serve((_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
    };
    response.on('drain', more);
    more();
  });
  await expect(ask(true, `http://127.0.0.1:${port}/token`)).rejects.toThrow(/more than/);
});
