import { stat } from 'node:fs/promises';
import type { Failure } from '../../protocol/failure.ts';
import { shellWord } from '../../protocol/shell.ts';
import type { AgentConfig } from '../config.ts';
import { parseProxy } from '../connection/proxy.ts';
import { type Finding, failedWith, ok, trouble } from './check.ts';

/** The configuration file: whether it can be used, and who else may read or change it. */
export async function configurationFinding(
  config: AgentConfig,
  refusal: Failure | undefined,
): Promise<Finding> {
  if (refusal) return failedWith(refusal);
  const { configFile: path } = config;
  const policy = policyText(config);
  if (path === undefined) return ok(`There is no file; everything is as it is without one. ${policy}`);
  const { mode } = await stat(path);
  if ((mode & 0o022) !== 0) {
    return trouble('warning', `Others on this host may change ${path}, and with it the local policy.`, {
      fix: 'Let its owner alone write to it.',
      paste: `chmod go-w ${shellWord(path)}`,
    });
  }
  if ((mode & 0o044) !== 0 && hasProxyLogin(config)) {
    return trouble('warning', `Others on this host may read ${path}, which has the proxy’s password.`, {
      fix: 'Let its owner alone read it: that has to be the user the agent runs as.',
      paste: `chmod 600 ${shellWord(path)}`,
    });
  }
  return ok(`${path}. ${policy}`);
}

function hasProxyLogin({ proxy }: AgentConfig): boolean {
  return proxy?.fromFile === true && proxy.url.trim() !== '' && parseProxy(proxy).hasLogin;
}

function policyText({ controlPlaneKey, policy, vaultKey }: AgentConfig): string {
  const parts = [
    `Restores: ${policy.restore}`,
    `updates: ${policy.update}`,
    `servers: ${policy.servers ?? 'allow'}`,
    `databases: ${policy.databases?.join(', ') ?? 'all'}`,
    ...(controlPlaneKey ? ['one control plane only'] : []),
    ...(vaultKey ? ['one vault only'] : []),
  ];
  return `${parts.join('; ')}.`;
}
