import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { get as getTls } from 'node:https';
import { isIP } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { checkServerIdentity } from 'node:tls';
import { type Command, InvalidArgumentError } from 'commander';
import { fail } from '../../../protocol/failure.ts';
import { type Config, publicUrl, readConfig } from '../../config.ts';
import { say } from '../say.ts';

/** Between two looks, in milliseconds. */
const PAUSE_MS = 200;
const REQUEST_MS = 10_000;

/** `healthy`: for whatever starts a control plane and wants to know that it serves. */
export function addHealthyCommand(root: Command): void {
  root
    .command('healthy')
    .description('whether the control plane serves, on its own host; exit code 5 if not')
    .option('--ready', 'whether its database and the store of new backups answer, too')
    .option('--wait <seconds>', 'how long to wait until it does', seconds, 0)
    .action(async ({ ready = false, wait }: { ready?: boolean; wait: number }) => {
      const config = readConfig();
      const deadline = performance.now() + wait * 1000;
      let complaint = await ask(config, ready);
      while (complaint !== undefined && performance.now() < deadline) {
        await pause(PAUSE_MS);
        complaint = await ask(config, ready);
      }
      if (complaint !== undefined) throw unhealthy(complaint);
      say(`Homeport ${ready ? 'is ready' : 'serves'} on ${config.host}, port ${config.port}.`);
    });
}

/** @returns what is wrong, or nothing */
async function ask(config: Config, ready: boolean): Promise<string | undefined> {
  // Where it listens on all addresses it does so on loopback.
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[config.host] ?? config.host;
  const where = {
    host,
    port: config.port,
    path: ready ? '/readyz' : '/healthz',
    timeout: REQUEST_MS,
    agent: false,
  };
  const trust = await trustIn(config).catch((error: Error) => error);
  if (trust instanceof Error) return trust.message;
  return new Promise((resolve) => {
    const request = (trust ? getTls : get)({ ...where, ...trust }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve(undefined);
      else if (ready && response.statusCode === 503)
        resolve('It serves, but is not ready: its store or its database does not answer.');
      else resolve(`It answers with status ${response.statusCode}.`);
    });
    request.on('error', (error) => resolve(error.message));
    request.on('timeout', () => request.destroy(new Error(`No answer in ${REQUEST_MS / 1000} seconds.`)));
  });
}

/** Its own certificate and no other, which must be one for the address that people use. */
async function trustIn(config: Config) {
  if (!config.tls) return undefined;
  const name = new URL(publicUrl(config, config.port)).hostname.replace(/^\[|\]$/g, '');
  return {
    ca: await readFile(config.tls.certificateFile),
    allowPartialTrustChain: true,
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
      checkServerIdentity(name, certificate),
  };
}

function unhealthy(complaint: string) {
  return fail(
    'control_plane_unreachable',
    `The control plane does not serve: ${complaint}`,
    'Its log says why. HOMEPORT_HOST, HOMEPORT_PORT and HOMEPORT_URL must be the ones it was started with.',
  );
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 3600) return value;
  throw new InvalidArgumentError('Give whole seconds, up to 3600.');
}
