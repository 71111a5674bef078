import type { Command } from 'commander';
import { type FailureError, fail } from '../../../protocol/failure.ts';
import { readSecret } from '../secrets.ts';
import { ACCESS_KEY, type BucketOptions, bucketOptions, given, notEmpty } from './buckets.ts';
import {
  type RcloneOptions,
  rcloneOptions,
  rcloneStore,
  type SftpOptions,
  sftpOptions,
  sftpStore,
} from './remote-place.ts';

/** Any place that a replica may be in, as it is typed. */
export interface ReplicaPlaceOptions
  extends Partial<BucketOptions>,
    Partial<SftpOptions>,
    Partial<RcloneOptions> {
  directory?: string;
  bucket?: string;
}

/** Each kind of place, by the option that it is chosen with, and what it cannot be without. */
const KINDS = {
  directory: { what: 'A directory', needs: [] },
  bucket: { what: 'A bucket', needs: ['accessKey'] },
  host: { what: 'An SFTP server', needs: ['user', 'path', 'hostKeys'] },
  sectionFile: { what: 'What rclone reaches', needs: ['path'] },
} as const satisfies Partial<Record<keyof ReplicaPlaceOptions, object>>;
type Kind = keyof typeof KINDS;

/** Adds what says where a replica is to be. */
export function replicaPlaceOptions(command: Command): Command {
  command
    .option('--directory <path>', 'an empty directory on the control plane’s host')
    .option('--bucket <bucket>', 'name of a bucket, which must exist')
    .option('--folder <folder>', 'folder in the bucket; where absent the bucket itself')
    .option(...ACCESS_KEY, notEmpty);
  bucketOptions(command);
  sftpOptions(command, false);
  rcloneOptions(command, false);
  return command.option('--path <folder>', 'folder on the SFTP server, or on what rclone reaches');
}

/** The API's words for the place. Secrets are read, or asked for. @throws FailureError `invalid_input` */
export async function replicaPlace(options: ReplicaPlaceOptions): Promise<object> {
  const [kind, another] = (Object.keys(KINDS) as Kind[]).filter((name) => options[name] !== undefined);
  if (kind === undefined || another !== undefined)
    throw fail('invalid_input', 'Where to?', 'Give one of --directory, --bucket, --host and --section-file.');
  const missing = KINDS[kind].needs.filter((name) => options[name] === undefined);
  if (missing.length > 0) throw lacking(KINDS[kind].what, missing);
  if (kind === 'directory') return { kind: 'local', path: options.directory };
  // What the kind needs is there: it has just been looked at.
  if (kind === 'host') return sftpStore(options as SftpOptions);
  if (kind === 'sectionFile') return rcloneStore(options as RcloneOptions);
  return bucketStore(options as BucketOptions & { bucket: string });
}

async function bucketStore({ bucket, folder, ...options }: BucketOptions & { bucket: string }) {
  const secretAccessKey = await readSecret('Secret key', options.secretFile);
  const place = { bucket, ...(folder === undefined ? {} : { prefix: folder }) };
  return { kind: 's3', ...place, ...given(options), secretAccessKey };
}

function lacking(what: string, names: readonly string[]): FailureError {
  const flags = names.map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  return fail(
    'invalid_input',
    `${what} needs ${flags.join(', ')}.`,
    'homeport add-replica --help says more.',
  );
}
