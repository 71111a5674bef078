import { fail } from '../../../protocol/failure.ts';

/** A section of rclone’s configuration. */
export interface RcloneSection {
  type: string;
  parameters: Record<string, string>;
}

/** Types of rclone that are no place of their own, or not one for backups. */
const REFUSED_TYPES: Record<string, string> = {
  local: 'It is the control plane’s own disk: the vault “Default” is there.',
  memory: 'It is gone with the process.',
  sftp: 'Choose SFTP in place of this: it pins the server’s host key.',
};

/**
 * Options that name other remotes, programs or files of the control plane’s host, or take what its surroundings allow:
 * whoever may make a vault may not thereby run or read something there.
 */
const REFUSED_OPTION =
  /^(remotes?|upstreams|ssh|env_auth|use_msi|use_az|profile|socket|kerberos_ccache|.*_(command|file|path|dir))$/;

const COPY_IT =
  'Copy the section from rclone’s configuration file: a name in brackets and lines like “type = webdav”. “rclone config file” says where it is.';

/** What `rclone config show` prints in a password’s place. */
const MASKED = /^\*+ ENCRYPTED \*+$/;

const OPTION = /^[a-z0-9_]+$/;

/**
 * Reads one section as rclone’s configuration file has it.
 * @throws FailureError `invalid_input` for anything else, and for what may not be used
 */
export function parseSection(text: string): RcloneSection {
  const parameters: Record<string, string> = {};
  let sections = 0;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === '' || /^[#;]/.test(line)) continue;
    if (/^\[.*\]$/.test(line)) {
      sections += 1;
      continue;
    }
    const [, option, value] = /^([^=\s]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (option === undefined || value === undefined) throw malformed(line);
    parameters[option] = value;
  }
  if (sections > 1) throw refused('These are several sections.', 'Paste the one of the remote alone.');
  const { type = '', ...rest } = parameters;
  if (type === '') throw refused('It names no type.', COPY_IT);
  requireHarmless(type, rest);
  return { type, parameters: rest };
}

/** The text of a section without a name. */
export function formatSection({ parameters, type }: RcloneSection): string {
  const lines = Object.entries({ type, ...parameters }).map(([option, value]) => `${option} = ${value}\n`);
  return lines.join('');
}

function requireHarmless(type: string, parameters: Record<string, string>): void {
  const why = REFUSED_TYPES[type];
  if (why !== undefined) throw refused(`The type “${type}” is not for this.`, why);
  for (const [option, value] of Object.entries(parameters)) {
    if (MASKED.test(value)) throw refused(`It has not the password “${option}” itself.`, COPY_IT);
    if (!OPTION.test(option)) throw refused(`There is no option “${option}”.`, 'Leave it out.');
    if (!isRefusedOption(option) || value === '' || value === 'false') continue;
    throw refused(
      `The option “${option}” names another remote, or a program or file of the control plane’s host.`,
      'Give what it names by value: a token, a key or a password in the section itself.',
    );
  }
}

/** Whether a vault’s remote must not have this option. */
export function isRefusedOption(option: string): boolean {
  return REFUSED_OPTION.test(option);
}

function malformed(line: string) {
  if (line.startsWith('RCLONE_ENCRYPT_'))
    return refused(
      'It is encrypted.',
      'Take the password off the configuration, or make one without for this remote.',
    );
  return refused('A line of it is not like “option = value”.', COPY_IT);
}

function refused(what: string, hint: string) {
  return fail('invalid_input', `The section of rclone’s configuration cannot be used. ${what}`, hint);
}
