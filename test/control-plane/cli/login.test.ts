import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cliUser } from '../../support/cli.ts';
import { startTlsProxy } from '../../support/tls-proxy.ts';

const KEY = 'hp_only-for-this-test';

const ME = {
  user: { id: 'u', name: 'Olive \u001b[31mOwner', email: 'olive@example.org' },
  controlPlane: { id: 'c', url: 'http://x', version: '9.9.9', fingerprint: 'abc', newer: true },
};

/** Something that answers as a control plane might, and notes which keys it was shown. */
async function pretender(answer: RequestListener) {
  const keys: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers.authorization);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    keys,
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const json =
  (status: number, body: unknown): RequestListener =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

test('a login is checked, kept for its owner alone, and its key is never shown', async () => {
  await using server = await pretender(json(200, ME));
  await using user = await cliUser();
  const login = (args: string[], input?: string) =>
    user.run(['login', '--url', server.url, ...args], input === undefined ? {} : { input });
  const done = await login(['--key-file', '-'], `${KEY}\n`);
  expect(done).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('as Olive �[31mOwner') });
  const file = join(user.home, '.config/homeport/cli.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(join(file, '..'))).mode & 0o777).toBe(0o700);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ v: 1, url: server.url, key: KEY });
  const whoami = await user.run(['whoami']);
  expect(whoami.stdout).toContain('9.9.9');
  const shown = [done, whoami, await user.run(['whoami', '--json']), await user.run(['agents'])];
  const said = shown.map(({ stderr, stdout }) => stdout + stderr).join('\n');
  expect(said).not.toContain(KEY);
  expect(said).not.toContain('\u001b');
  await chmod(file, 0o644);
  expect(await user.run(['whoami'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('chmod 600'),
  });
});

test('typed on a terminal, the key is not echoed', async () => {
  await using server = await pretender(json(200, ME));
  await using user = await cliUser();
  const terminal = user.onTerminal(['login', '--url', server.url]);
  await expect.poll(() => terminal.output(), { timeout: 20_000 }).toContain('API key: ');
  terminal.type(`${KEY}\r`);
  const { exitCode, stdout } = await terminal.ended;
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Logged in');
  expect(stdout).not.toContain(KEY);
});

test('a key that is refused, open to others or no key at all is not kept', async () => {
  const failure = {
    code: 'unauthorized',
    message: 'The API key is not valid.',
    hint: 'Sign in.',
    retryable: false,
  };
  await using server = await pretender(json(401, { error: failure }));
  await using user = await cliUser();
  const keyFile = join(user.home, 'key');
  await writeFile(keyFile, KEY, { mode: 0o644 });
  const login = (...args: string[]) =>
    user.run(['login', '--url', server.url, ...args], { input: 'password' });
  expect(await login('--key-file', keyFile)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('chmod 600'),
  });
  expect(await login()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('hp_') });
  await chmod(keyFile, 0o600);
  expect(await login('--key-file', keyFile)).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('not valid'),
  });
  await expect(stat(join(user.home, '.config'))).rejects.toMatchObject({ code: 'ENOENT' });
  expect(server.keys).toHaveLength(1);
});

test('HTTPS is required except on loopback, and the remedy is named', async () => {
  await using user = await cliUser();
  for (const url of [
    'http://backups.example.org',
    'ftp://backups.example.org',
    'http://127.0.0.1:1/path',
    'nonsense',
  ])
    expect(await user.run(['login', '--url', url], { input: KEY }), url).toMatchObject({
      exitCode: 2,
      stdout: '',
    });
  const { stderr } = await user.run(['login', '--url', 'http://backups.example.org'], { input: KEY });
  expect(stderr).toContain('ssh -L 7433:127.0.0.1:7433');
});

test('a certificate of one’s own works once its CA is named', async () => {
  await using server = await pretender(json(200, ME));
  await using user = await cliUser();
  await using proxy = await startTlsProxy({
    host: '127.0.0.1',
    targetPort: server.port,
    directory: user.home,
  });
  const env = { HOMEPORT_URL: `https://127.0.0.1:${proxy.port}`, HOMEPORT_API_KEY: KEY };
  expect(await user.run(['whoami'], { env })).toMatchObject({
    exitCode: 5,
    stderr: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
  });
  const trusting = { ...env, NODE_EXTRA_CA_CERTS: proxy.certificateFile };
  expect(await user.run(['whoami'], { env: trusting })).toMatchObject({ exitCode: 0 });
});

test('a key goes to the control plane it is for, and nowhere else', async () => {
  await using elsewhere = await pretender(json(200, ME));
  await using server = await pretender((_, response) =>
    response.writeHead(307, { location: `${elsewhere.url}/api/v1/me` }).end(),
  );
  await using user = await cliUser();
  await mkdir(join(user.home, '.config/homeport'), { recursive: true });
  const file = JSON.stringify({ v: 1, url: server.url, key: KEY });
  await writeFile(join(user.home, '.config/homeport/cli.json'), file, { mode: 0o600 });
  expect(await user.run(['whoami'])).toMatchObject({
    exitCode: 5,
    stderr: expect.stringContaining('redirects to'),
  });
  const other = await user.run(['whoami'], { env: { HOMEPORT_URL: elsewhere.url } });
  expect(other).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('HOMEPORT_API_KEY') });
  expect(elsewhere.keys).toEqual([]);
  const env = { HOMEPORT_URL: elsewhere.url, HOMEPORT_API_KEY: 'hp_from-the-environment' };
  expect((await user.run(['whoami'], { env })).exitCode).toBe(0);
  expect(elsewhere.keys).toEqual(['Bearer hp_from-the-environment']);
});

test('what is no key is never sent, nor repeated in what went wrong', async () => {
  await using server = await pretender(json(200, ME));
  await using user = await cliUser();
  for (const key of ['hp_one\nhp_two', 'hp_für', 'secret']) {
    const env = { HOMEPORT_URL: server.url, HOMEPORT_API_KEY: key };
    const { exitCode, stderr } = await user.run(['whoami'], { env });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('hp_.') });
    for (const word of key.split('\n')) expect(stderr).not.toContain(word);
  }
  expect(server.keys).toEqual([]);
});

test('a folder that is no data directory is left as it was', async () => {
  await using user = await cliUser();
  const env = { HOMEPORT_DATA: join(user.home, 'data') };
  for (const args of [['setup-link'], ['api-key', 'create', '--name', 'lost'], ['vault', 'rebuild']])
    expect(await user.run(args, { env })).toMatchObject({
      exitCode: 4,
      stdout: '',
      stderr: expect.stringContaining('HOMEPORT_DATA'),
    });
  await expect(stat(env.HOMEPORT_DATA)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('answers of others, of newer ones, and failures with all they say', async () => {
  const failure = {
    code: 'from_the_future',
    message: 'No.',
    hint: 'Do.',
    retryable: false,
    sql: 'GRANT a\nTO b;',
  };
  const cases: [RequestListener, number, RegExp][] = [
    [(_, response) => void response.writeHead(502).end('<h1>Bad gateway</h1>'), 5, /HTTP status 502/],
    [(_, response) => void response.end('<h1>Welcome</h1>'), 5, /not JSON/],
    [json(200, { user: {} }), 1, /user\.name: .*homeport whoami/s],
    [
      json(422, { error: failure }),
      1,
      /No\. \(from_the_future\)\nDo\.\nSQL to paste:\n {2}GRANT a\n {2}TO b;/,
    ],
    [(request) => void request.socket.destroy(), 5, /cannot be reached/],
  ];
  await using user = await cliUser();
  for (const [answer, exitCode, words] of cases) {
    await using server = await pretender(answer);
    const env = { HOMEPORT_URL: server.url, HOMEPORT_API_KEY: KEY };
    expect(await user.run(['whoami'], { env })).toMatchObject({
      exitCode,
      stderr: expect.stringMatching(words),
    });
  }
});
