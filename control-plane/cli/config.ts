import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** What the environment says to the command line; the control plane's own settings are `control-plane/config.ts`. */
export interface CliSettings {
  /** Address and key for scripts, in place of a login. */
  url: string | undefined;
  apiKey: string | undefined;
  /** Where `homeport login` keeps address and key. */
  loginFile: string;
  /** No colours: NO_COLOR. */
  plain: boolean;
  /** A terminal that cannot move its cursor. */
  dumb: boolean;
}

/** The only reader of the command line's environment. */
export function readSettings(env: Record<string, string | undefined> = process.env): CliSettings {
  const given = (name: string) => env[name]?.trim() || undefined;
  const xdg = given('XDG_CONFIG_HOME');
  // The base directory specification: a relative path in it is to be ignored.
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.config');
  return {
    url: given('HOMEPORT_URL'),
    apiKey: given('HOMEPORT_API_KEY'),
    loginFile: join(base, 'homeport', 'cli.json'),
    plain: given('NO_COLOR') !== undefined,
    dumb: env.TERM === 'dumb',
  };
}
