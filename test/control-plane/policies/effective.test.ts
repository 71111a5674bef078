import { expect, test } from 'vitest';
import { type Choice, createResolver, type Reaching } from '../../../control-plane/policies/effective.ts';

const database = { id: 'd', serverId: 's', agentId: 'a', labels: ['eu', 'shop'] };
const policies: Reaching[] = [
  { id: 'wide', everywhere: true, labels: [] },
  { id: 'shops', everywhere: false, labels: ['shop'] },
  { id: 'continent', everywhere: false, labels: ['eu', 'us'] },
];
const choices: Choice[] = [
  { kind: 'agent', targetId: 'a', policyId: 'of agent' },
  { kind: 'server', targetId: 's', policyId: 'of server' },
  { kind: 'database', targetId: 'd', policyId: null },
];

test('the nearest decides; of labels the first in the alphabet', () => {
  const found = [3, 2, 1, 0].map((count) => createResolver(policies, choices.slice(0, count))(database));
  expect(found).toEqual([
    { policyId: null, source: 'database' },
    { policyId: 'of server', source: 'server' },
    { policyId: 'of agent', source: 'agent' },
    { policyId: 'continent', source: 'label', label: 'eu' },
  ]);
});

test('a label without a policy, and no label, leave it to what is for everything', () => {
  const resolve = createResolver(policies, []);
  expect(resolve({ ...database, labels: ['asia', 'shop'] })).toMatchObject({
    policyId: 'shops',
    label: 'shop',
  });
  expect(resolve({ ...database, labels: [] })).toEqual({ policyId: 'wide', source: 'everywhere' });
  expect(createResolver([], [])(database)).toBeUndefined();
});
