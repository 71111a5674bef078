import type { Command } from 'commander';
import { readSettings } from '../config.ts';
import { controlPlaneOrigin } from '../remote/address.ts';
import { type Client, createClient } from '../remote/client.ts';
import { currentLogin, forgetLogin, requireApiKey, saveLogin } from '../remote/login.ts';
import { meShape } from '../remote/shapes.ts';
import { remark, say, sayFacts, sayJson } from '../say.ts';
import { readSecret } from '../secrets.ts';

/** The control plane that the login names. @throws FailureError `unauthorized` where there is none */
export async function connect(): Promise<Client> {
  return createClient(await currentLogin(readSettings()));
}

/** `login`, `logout`, `whoami`. */
export function addSessionCommands(root: Command): void {
  root
    .command('login')
    .description('use a control plane from here; asks for an API key, checks it and keeps it (mode 0600)')
    .requiredOption('--url <url>', 'address of the control plane, e.g. https://backups.example.org')
    .option('--key-file <file>', 'read the key from a file of mode 0600; - is standard input')
    .action(login);
  root
    .command('logout')
    .description('forget the login; the key itself stays valid until it is revoked')
    .action(async () => {
      const { apiKey, loginFile } = readSettings();
      const had = await forgetLogin(loginFile);
      say(
        had
          ? 'Logged out. The key stays valid: revoke it in the UI, Settings → API keys.'
          : 'There was no login.',
      );
      if (apiKey !== undefined) remark('HOMEPORT_API_KEY is set and goes on being used.');
    });
  root
    .command('whoami')
    .description('show which control plane is used, and as whom')
    .option('--json', 'the API’s answer')
    .action(whoami);
}

async function login(options: { url: string; keyFile?: string }): Promise<void> {
  const { apiKey, loginFile } = readSettings();
  const url = controlPlaneOrigin(options.url); // refuse a bad address before a secret is asked for
  const key = (await readSecret('API key', options.keyFile)).trim();
  requireApiKey(key, 'What was given');
  const me = await createClient({ url, key }).get('/me', meShape);
  await saveLogin(loginFile, { url, key });
  say(`Logged in to ${url} as ${me.user.name}.`, `The key is in ${loginFile}.`);
  if (apiKey !== undefined) remark('HOMEPORT_API_KEY is set and comes first.');
}

async function whoami({ json }: { json?: true }): Promise<void> {
  const current = await currentLogin(readSettings());
  const answer = await createClient(current).get('/me', meShape);
  if (json) return sayJson(answer);
  const { controlPlane, user } = answer;
  sayFacts([
    ['Control plane', current.url],
    ['Version', controlPlane.version],
    ['Fingerprint', controlPlane.fingerprint],
    ['User', user.email === '' ? user.name : `${user.name} <${user.email}>`],
    ['Login from', current.from === 'file' ? readSettings().loginFile : 'HOMEPORT_API_KEY'],
  ]);
}
