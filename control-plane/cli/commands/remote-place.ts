import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { fail } from '../../../protocol/failure.ts';
import { readSecret } from '../secrets.ts';

/** How a folder on an SFTP server is reached, as it is typed. */
export interface SftpOptions {
  host: string;
  port: number;
  user: string;
  path: string;
  hostKeys: string;
  keyFile?: string;
  passphraseFile?: string;
  passwordFile?: string;
}

/** The same of anything else that rclone reaches. */
export interface RcloneOptions {
  path: string;
  sectionFile: string;
}

/** Options that say where a vault's files are; `mandatory`: the command is about this kind of place alone. */
type Adder = (command: Command, mandatory: boolean) => Command;

/** Adds what says how an SFTP server is reached, the folder apart. */
export const sftpOptions: Adder = (command, mandatory) =>
  command
    .addOption(
      new Option('--host <host>', 'name or address of an SFTP server').makeOptionMandatory(mandatory),
    )
    .option('--port <port>', 'its port', port, 22)
    .addOption(new Option('--user <user>', 'who to log in as there').makeOptionMandatory(mandatory))
    .addOption(
      new Option(
        '--host-keys <file>',
        'the server’s public host keys, as ssh-keyscan prints them',
      ).makeOptionMandatory(mandatory),
    )
    .option('--key-file <file>', 'private key, in a file of mode 0600; - is standard input')
    .option('--passphrase-file <file>', 'its passphrase, in a file of mode 0600; - is standard input')
    .option('--password-file <file>', 'password, in a file of mode 0600; - is standard input');

/** Adds what says how anything else is reached, the folder apart. */
export const rcloneOptions: Adder = (command, mandatory) =>
  command.addOption(
    new Option(
      '--section-file <file>',
      'a section of rclone’s configuration file, in a file of mode 0600; - is standard input',
    ).makeOptionMandatory(mandatory),
  );

/** The API's words for a folder on an SFTP server. Secrets are read, or asked for. @throws FailureError `invalid_input` */
export async function sftpStore(options: SftpOptions) {
  const { host, keyFile, passphraseFile, passwordFile, path, port, user } = options;
  const hostKeys = await readFile(options.hostKeys, 'utf8').catch((cause) => {
    throw fail('invalid_input', `${options.hostKeys} cannot be read.`, 'Check the path.', { cause });
  });
  const secret = async (name: string, what: string, file: string | undefined) =>
    file === undefined ? {} : { [name]: await readSecret(what, file) };
  const secrets = {
    ...(await secret('privateKey', 'Private key', keyFile)),
    ...(await secret('passphrase', 'Passphrase', passphraseFile)),
    ...(await secret('password', 'Password', passwordFile)),
  };
  // Asked for where nothing else was given.
  if (keyFile === undefined && passwordFile === undefined)
    Object.assign(secrets, { password: await readSecret('Password', undefined) });
  return { kind: 'rclone', path, remote: { type: 'sftp', host, port, user, hostKeys, ...secrets } };
}

/** The API's words for a folder that rclone reaches. @throws FailureError `invalid_input` */
export async function rcloneStore({ path, sectionFile }: RcloneOptions) {
  const section = await readSecret('Section of rclone’s configuration', sectionFile);
  return { kind: 'rclone', path, remote: { type: 'other', section } };
}

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 65535) return value;
  throw new InvalidArgumentError('Give a port, from 1 to 65535.');
}
