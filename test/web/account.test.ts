import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { expect, test } from 'vitest';
import { mariadb } from '../../protocol/engines/mysql.ts';
import { accountLabels, sealAccount } from '../../web/api/account.ts';
import type { Agent, Server } from '../../web/api/types.ts';

test('an account for one restore is sealed to the server’s agent, at the server’s own place', async () => {
  const identity = await generateIdentity();
  const restore = { snapshotId: 'snapshot', mode: 'new', targetDatabase: 'copy' } as const;
  const agent = { id: 'a', sealingKey: await identityToRecipient(identity) } as Agent;
  const connection = { host: 'db', port: 3306, user: 'homeport', tls: 'verify-full', ca: 'PEM' };
  const server = { id: 's', name: 'main', engine: 'any', connection } as unknown as Server;
  const sealed = await sealAccount({ agent, server }, { user: 'root', password: 'a pass word!' }, restore);
  expect(sealed).not.toContain('a pass');
  const opener = new Decrypter();
  opener.addIdentity(identity);
  expect(JSON.parse(await opener.decrypt(Buffer.from(sealed, 'base64'), 'text'))).toEqual({
    ...{ v: 1, agentId: 'a', serverId: 's', name: 'main', engine: 'any', password: 'a pass word!' },
    connection: { ...connection, user: 'root' },
    restore,
  });
});

test('user and password are called as the engine calls them', () => {
  expect(accountLabels(mariadb.descriptor as Parameters<typeof accountLabels>[0])).toEqual({
    user: 'User',
    password: 'Password',
  });
});
