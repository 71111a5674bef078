import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { routeOf } from '../../support/answers.ts';
import { type ApiDocument, documentChecker, operationsOf } from '../../support/document-checker.ts';
import { endOfFleet, type Fleet, fleetStory } from './fleet.ts';
import { peopleStory } from './people.ts';
import { readEverything } from './reading.ts';
import { vaultStory } from './vaults.ts';
import { openPlace, type Place } from './world.ts';

/** Everything the product does, once, through the front door; then its words are searched for secrets. */
let place: Place;
let fleet: Fleet;
/** What both sides have printed. */
const logs = { controlPlane: '', agent: '' };

beforeAll(async () => {
  place = await openPlace();
  await peopleStory(place);
  fleet = await fleetStory(place);
  const { vaultId } = await vaultStory(place);
  await readEverything(place, { ...fleet, vaultId });
  await endOfFleet(place, fleet);
  await place.answers.settled();
  logs.controlPlane = place.home.controlPlane.process().output();
  logs.agent = fleet.agent.process().output();
}, 480_000);
afterAll(() => place?.[Symbol.asyncDispose]());

/** What a download is for. */
const DUMP = 'GET /api/v1/snapshots/:id/download';

test('no answer holds a secret, but for the one that is meant to show it', () => {
  const { all } = place.answers;
  const leaks = all
    .filter((answer) => routeOf(answer) !== DUMP)
    .flatMap((answer) => place.canaries.leaksIn(routeOf(answer), `${answer.headers}\n${answer.body}`));
  expect(all.length).toBeGreaterThan(100);
  expect(place.canaries.names().length).toBeGreaterThan(40);
  expect([...new Set(leaks)]).toEqual([]);
});

test('the event stream tells no secret', () => {
  expect(place.heard()).toContain(fleet.job.id);
  expect(place.canaries.leaksIn('the event stream', place.heard())).toEqual([]);
});

test('neither side’s log holds a secret, at its most talkative', () => {
  expect(logs.controlPlane).toContain('"level":"debug"');
  expect(logs.agent).toContain('"level":"info"');
  expect(place.canaries.leaksIn('the control plane’s log', logs.controlPlane)).toEqual([]);
  expect(place.canaries.leaksIn('the agent’s log', logs.agent)).toEqual([]);
});

test('what is shown once is seen in that one answer, once', () => {
  const { all } = place.answers;
  const created = all.filter((answer) => routeOf(answer) === 'POST /api/v1/api-keys');
  expect(created.map(({ status }) => status)).toEqual([201]);
  expect(place.canaries.leaksIn('elsewhere', created[0]?.body ?? '')).toEqual(['API key in elsewhere']);
});

/** Routes that nothing here succeeds at, and where it is done. */
const ELSEWHERE = [
  // A key may not be made without a device: test/browser/passkey.test.ts.
  'DELETE /me/passkeys/:id',
  // They need a signed build that is newer: test/control-plane/rollouts.test.ts.
  ...['POST /agents/:id/update', 'POST /rollouts', 'POST /rollouts/:id/stop'],
  // They need an OpenID provider: test/control-plane/provider-settings.test.ts and provider.test.ts.
  ...['PUT /sign-in-provider', 'DELETE /sign-in-provider', 'DELETE /me/identities/:id'],
];

test('every answer is as the document of the API has it, of every route', async () => {
  const document = await place.home.api.get<ApiDocument>('/openapi.json');
  const { answered, complaints } = documentChecker(document);
  const { all } = place.answers;
  expect([...new Set(all.flatMap(complaints))]).toEqual([]);
  const missing = Object.keys(operationsOf(document)).filter((route) => !answered(all).has(route));
  expect(missing.toSorted()).toEqual(ELSEWHERE.toSorted());
});

/** Of these not even the control plane's own disk may know. */
test('the control plane keeps no password of a database and no row', async () => {
  const { data } = place.home.controlPlane;
  await place.home.controlPlane.kill();
  const found = await readdir(data, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  expect(files.some((file) => file.endsWith('.sqlite'))).toBe(true);
  const leaks = await Promise.all(
    files.map(async (file) =>
      place.canaries.leaksIn(file.slice(data.length), await readFile(file, 'latin1')),
    ),
  );
  // Those of people live there: sessions, and what a session is asked for.
  const forbidden = leaks.flat().filter((leak) => !/^\S+ session|^session|^agent’s signing/.test(leak));
  expect(forbidden).toEqual([]);
});
