import { expect, test } from 'vitest';
import {
  hostKeyFingerprint,
  knownHosts,
  parseHostKeys,
} from '../../../control-plane/vault/stores/host-keys.ts';
import { hostsIn } from '../../../control-plane/vault/stores/rclone-addresses.ts';
import { RcloneError } from '../../../control-plane/vault/stores/rclone-daemon.ts';
import { rcloneFailure } from '../../../control-plane/vault/stores/rclone-errors.ts';
import { describeRemote, rcloneOptionsSchema } from '../../../control-plane/vault/stores/rclone-options.ts';
import { isRefusedOption, parseSection } from '../../../control-plane/vault/stores/rclone-section.ts';
import type { FailureError } from '../../../protocol/failure.ts';

const KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
const other = (section: string) =>
  rcloneOptionsSchema.parse({ kind: 'rclone', path: 'a/b', remote: { type: 'other', section } });

test.each([
  `ssh-ed25519 ${KEY}`,
  `ssh-ed25519 ${KEY} root@backup`,
  `# backup.example.org:22 SSH-2.0\nbackup.example.org ssh-ed25519 ${KEY}\r\n\r\n`,
  `|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 ${KEY}`,
])('the host key in %j', (text) => {
  expect(parseHostKeys(text)).toEqual([{ algorithm: 'ssh-ed25519', key: KEY }]);
});

test.each([
  '',
  '# nothing',
  'ssh-ed25519',
  `ssh-ed25519 ${KEY.slice(0, -8)}`,
  `ssh-rsa ${KEY}`,
  `ssh-ed25519 ${KEY}\nand something else`,
])('there is no host key in %j', (text) => {
  expect(parseHostKeys(text)).toBeUndefined();
});

test('host keys are pinned for the address as rclone looks it up, and shown as ssh-keygen shows them', () => {
  const keys = parseHostKeys(`ssh-ed25519 ${KEY}`) ?? [];
  expect(knownHosts({ host: 'h', port: 22 }, keys)).toBe(`h ssh-ed25519 ${KEY}\n`);
  expect(knownHosts({ host: 'h', port: 2222 }, keys)).toBe(`[h]:2222 ssh-ed25519 ${KEY}\n`);
  expect(knownHosts({ host: '::1', port: 22 }, keys)).toBe(`[::1] ssh-ed25519 ${KEY}\n`);
  expect(keys.map(hostKeyFingerprint)).toEqual([
    'ssh-ed25519 SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU',
  ]);
});

test('a section is read as rclone prints it', () => {
  const text = '[dav]\n; made by hand\ntype = webdav\nurl = https://dav.example.org/a=b\npass = x y\n\n';
  const parameters = { url: 'https://dav.example.org/a=b', pass: 'x y' };
  expect(parseSection(text)).toEqual({ type: 'webdav', parameters });
});

test.each([
  ['[a]\ntype = webdav\n[b]\ntype = b2\n', 'several sections'],
  ['[a]\nurl = x\n', 'names no type'],
  ['hello', 'option = value'],
  ['RCLONE_ENCRYPT_V0:\nabcd', 'encrypted'],
  ['[dav]\ntype = webdav\npass = *** ENCRYPTED ***', 'not the password “pass” itself'],
  ['type = local', 'is not for this'],
  ['type = memory', 'is not for this'],
  ['type = sftp\nhost = x', 'is not for this'],
  ['type = alias\nremote = /etc', '“remote”'],
  ['type = crypt\nremote = :local:/', '“remote”'],
  ['type = union\nupstreams = /a /b', '“upstreams”'],
  ['type = webdav\nbearer_token_command = touch /tmp/x', '“bearer_token_command”'],
  ['type = drive\nservice_account_file = /etc/passwd', '“service_account_file”'],
  ['type = s3\nenv_auth = true', '“env_auth”'],
  ['type = webdav\noverride.config = /etc/x', 'no option “override.config”'],
])('the section %j is refused', (section, why) => {
  expect(() => parseSection(section)).toThrow(why);
  expect(() => other(section)).toThrow(why);
});

test('options that are off do no harm', () => {
  expect(parseSection('type = s3\nenv_auth = false\nprofile = ').type).toBe('s3');
});

test('no name of an option that leads to a file or program of the host is let through', () => {
  for (const name of ['ssh', 'remote', 'key_file', 'db_path', 'bearer_token_command', 'use_msi', 'socket'])
    expect(isRefusedOption(name), name).toBe(true);
  for (const name of ['url', 'pass', 'host', 'force_path_style', 'service_account_credentials', 'token'])
    expect(isRefusedOption(name), name).toBe(false);
});

test('the hosts that a section names are found', () => {
  const parameters = {
    url: 'https://u:p@dav.example.org:8443/x',
    host: '[::1]:445',
    region: 'eu',
    pass: 'host',
  };
  expect(hostsIn(parameters)).toEqual(['dav.example.org', '[::1]']);
});

test('a place is described without secrets', () => {
  const sftp = { type: 'sftp', host: '::1', user: 'u', password: 'secret', hostKeys: `ssh-ed25519 ${KEY}` };
  const at = (path: string) =>
    describeRemote(rcloneOptionsSchema.parse({ kind: 'rclone', path, remote: sftp }));
  expect(at('/srv/x')).toBe('sftp://u@[::1]:22/srv/x');
  expect(at('x')).toBe('sftp://u@[::1]:22/~/x');
  expect(describeRemote(other('type = webdav\nurl = https://u:p@h'))).toBe('webdav:a/b');
});

test.each([
  ['ssh: handshake failed: knownhosts: key is unknown', 'store_unavailable', 'not pinned'],
  ['ssh: handshake failed: knownhosts: key mismatch', 'store_unavailable', 'another host key'],
  ['ssh: unable to authenticate, attempted methods [none]', 'store_unavailable', 'does not accept the login'],
  ['sftp: "Permission denied" (SSH_FX_PERMISSION_DENIED)', 'store_unavailable', 'does not permit it'],
  ['dial tcp: lookup nas on 1.1.1.1:53: no such host', 'store_unavailable', 'name of its host is unknown'],
  ['dial tcp 10.0.0.1:22: connect: connection refused', 'store_unavailable', 'is not reachable'],
  ['write: no space left on device', 'disk_full', 'has no room'],
  ['507 Insufficient Storage', 'disk_full', 'has no room'],
  ['something new', 'store_unavailable', 'answers “something new”'],
])('rclone’s “%s” is named', (said, code, what) => {
  const error = rcloneFailure(new RcloneError(said, 500), other('type = webdav\nurl = https://h'));
  expect((error as FailureError).failure).toMatchObject({ code });
  expect((error as FailureError).failure.message).toContain(what);
});

test('secrets that rclone quotes are not passed on', () => {
  const options = other(
    'type = azureblob\naccount = backups\nsas_url = https://h/c?sig=canary1\nkey = can"ary/2',
  );
  const said = 'Get "https://u:canary3@h/c?sig=canary1&x=1": key "can\\"ary/2" can%22ary%2F2 odd';
  const { failure } = rcloneFailure(new RcloneError(said, 500), options) as FailureError;
  expect(JSON.stringify(failure)).not.toMatch(/can.{0,3}ary/);
  expect(failure.message).toContain('odd');
});
