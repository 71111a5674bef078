import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { containerLeads } from '../../../agent/discovery/container-leads.ts';
import { driverFor } from '../../../agent/engines/registry.ts';
import { ENGINE_IDS } from '../../../protocol/engines/registry.ts';

const drivers = ENGINE_IDS.map(driverFor);
const standpoint = { around: undefined, hostname: 'host', interfaces: {} };

/** What the agent makes of a socket that answers like this. */
async function lookedAt(listener: RequestListener) {
  const folder = await mkdtemp(join(tmpdir(), 'homeport-socket-'));
  const path = join(folder, 'docker.sock');
  const server = createServer(listener).listen(path);
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const signal = new AbortController().signal;
  const { leads, notes } = await containerLeads([path], drivers, { standpoint, signal });
  return { leads, note: notes.join('\n').replace(path, 'SOCKET') };
}

const noList = (why: string) => ({
  leads: [],
  note: `Containers were not looked at: SOCKET gave no list (${why}).`,
});

test('a container engine that never answers is left after a second', async () => {
  expect(await lookedAt(() => undefined)).toEqual(noList('it did not answer in time'));
});

test('one that never comes to an end is left at a limit', async () => {
  const endless = () => Readable.from(forever(), { objectMode: false });
  const found = await lookedAt(
    (_, response) =>
      void endless()
        .on('error', () => {})
        .pipe(response),
  );
  expect(found).toEqual(noList('its list of containers is too long'));
});

test.each([
  ['no JSON', '<html>hunter2'],
  ['no list', '{"message":"hunter2"}'],
  [
    'ports that are none',
    '[{"Id":"a","Image":"postgres","Ports":[{"PrivatePort":5432,"PublicPort":99999}]}]',
  ],
  [
    'addresses without end',
    `[{"Id":"a","Image":"postgres","Ports":[{"PrivatePort":5432,"IP":"${'1'.repeat(300)}"}]}]`,
  ],
])('rubbish is named and not repeated: %s', async (_, answer) => {
  expect(await lookedAt((_request, response) => void response.end(answer))).toEqual(
    noList('its answer is no list of containers'),
  );
});

test('an error of the container engine is told by its number', async () => {
  const found = await lookedAt((_, response) => void response.writeHead(500).end('hunter2'));
  expect(found).toEqual(noList('it answered with status 500'));
});

function* forever() {
  const part = Buffer.alloc(1024 * 1024, 0x20);
  for (;;) yield part;
}
