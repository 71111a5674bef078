import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { vaultCalled } from '../remote/resolve.ts';
import { bucketVaultShape } from '../remote/shapes.ts';
import { say } from '../say.ts';
import { readSecret } from '../secrets.ts';
import { type LockOptions, lockDays, lockGiven, lockLines } from './bucket-lock.ts';
import { connect } from './session.ts';

/** How a bucket is used, as it is typed. */
export interface BucketOptions extends LockOptions {
  endpoint?: string;
  region?: string;
  folder?: string;
  pathStyle?: boolean;
  sse?: string;
  storageClass?: string;
  checksums?: string;
  direct?: boolean;
  accessKey: string;
  secretFile?: string;
}

export const ACCESS_KEY = ['--access-key <id>', 'id of the access key'] as const;

/** `add-bucket`, `change-bucket`, `use-vault`. */
export function addBucketCommands(root: Command): void {
  bucketOptions(
    root
      .command('add-bucket')
      .description('make a vault in an S3 bucket, once the bucket has passed a test; asks for the secret key')
      .argument('<vault>', 'what the vault will be called')
      .requiredOption('--bucket <bucket>', 'name of the bucket, which must exist')
      .option(
        '--folder <folder>',
        'folder in the bucket, e.g. backups/homeport; where absent the bucket itself',
      )
      .requiredOption(...ACCESS_KEY, notEmpty),
  ).action(addBucket);
  bucketOptions(
    root
      .command('change-bucket')
      .description('give a vault in a bucket another access key, or change how the bucket is used')
      .argument('<vault>', 'id or name')
      .requiredOption(...ACCESS_KEY, notEmpty),
  ).action(changeBucket);
  root
    .command('use-vault')
    .description('let new backups go to a vault; earlier snapshots stay where they are')
    .argument('<vault>', 'id or name')
    .action(useVault);
}

/** Adds what says how a bucket is used, the access key apart. */
export function bucketOptions(command: Command): Command {
  return command
    .option('--endpoint <url>', 'address of the service; where absent AWS’s own of the region')
    .option('--region <region>', 'region of the bucket (us-east-1 where absent)')
    .option('--path-style', 'bucket in the path, as MinIO and Ceph mostly want it')
    .option('--no-path-style', 'bucket in the host name')
    .addOption(new Option('--sse <kind>', 'encryption at the server').choices(['none', 'AES256', 'aws:kms']))
    .option('--storage-class <class>', 'of packs, e.g. STANDARD_IA')
    .addOption(
      new Option('--checksums <kind>', 'none: for a store that refuses x-amz-checksum-sha256').choices([
        'sha256',
        'none',
      ]),
    )
    .option(
      '--direct',
      'agents send packs to the bucket and fetch them there themselves, where it can be done',
    )
    .option('--no-direct', 'all bytes go through the control plane')
    .option('--lock-days <days>', 'nobody deletes what a backup needs for so long: Object Lock', lockDays)
    .addOption(
      new Option(
        '--lock-mode <mode>',
        'governance: who has the right to can lift it; compliance: nobody',
      ).choices(['governance', 'compliance']),
    )
    .option('--no-lock', 'lock nothing from now on; what is locked stays so')
    .option('--secret-file <file>', 'read the secret key from a file of mode 0600; - is standard input');
}

async function addBucket(name: string, options: BucketOptions & { bucket: string }): Promise<void> {
  const { bucket, folder } = options;
  const store = {
    kind: 's3',
    bucket,
    ...(folder === undefined ? {} : { prefix: folder }),
    ...given(options),
  };
  const secretAccessKey = await readSecret('Secret key', options.secretFile);
  const client = await connect();
  const made = await client.post('/vaults', { name, store: { ...store, secretAccessKey } }, bucketVaultShape);
  say(`Vault “${made.name}” is in ${made.path}. Its id: ${made.id}`);
  say(
    `Packs travel ${made.bucket?.direct === true ? 'between agents and the bucket' : 'through the control plane'}.`,
  );
  for (const line of lockLines(made.bucket?.lock)) say(line);
  say(`Fetch its recovery kit:       homeport recovery-kit ${made.id} --out kit.txt`);
  say(`Let new backups go there:     homeport use-vault ${made.id}`);
}

async function changeBucket(wanted: string, options: BucketOptions): Promise<void> {
  const client = await connect();
  const { id } = await vaultCalled(client, wanted);
  const all = await client.get('/vaults', z.array(bucketVaultShape));
  const known = Object.entries(all.find((one) => one.id === id)?.bucket ?? {});
  const before: Record<string, unknown> = Object.fromEntries(known.filter(([, value]) => value !== null));
  if (options.lock === false) delete before.lock;
  const secretAccessKey = await readSecret('Secret key', options.secretFile);
  const store = { ...before, kind: 's3', ...given(options, before.lock), secretAccessKey };
  const changed = await client.put(`/vaults/${id}/store`, { store }, bucketVaultShape);
  say(`Vault “${changed.name}” uses ${changed.path} with the new settings.`);
  for (const line of lockLines(changed.bucket?.lock)) say(line);
}

async function useVault(wanted: string): Promise<void> {
  const client = await connect();
  const { id } = await vaultCalled(client, wanted);
  const { name } = await client.post(`/vaults/${id}/use`, {}, bucketVaultShape);
  say(`New backups go to vault “${name}”. The first of each database uploads everything.`);
}

/**
 * What was given, under the API’s names.
 * @param known the lock that the bucket has so far
 */
export function given(options: BucketOptions, known?: unknown) {
  const { accessKey, checksums, direct, endpoint, pathStyle, region, sse, storageClass } = options;
  const lock = lockGiven(options, known);
  const ways = { checksums, direct, endpoint, pathStyle, region, sse, storageClass };
  const wish = { accessKeyId: accessKey, ...ways, lock };
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined));
}

/** Id of the access key, as it is typed. */
export function notEmpty(text: string): string {
  if (text.trim() !== '') return text.trim();
  throw new InvalidArgumentError('Give the id of the access key.');
}
