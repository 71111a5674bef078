import type { FieldDescriptor } from './engine.ts';

/** Password and TLS, which every engine's connection form ends with. */
export const loginFields: FieldDescriptor[] = [
  {
    name: 'password',
    label: 'Password',
    kind: 'secret',
    required: false,
    help: 'Sealed in this browser to the agent’s key. The control plane cannot read it.',
  },
  {
    name: 'tls',
    label: 'TLS',
    kind: 'choice',
    required: true,
    default: 'prefer',
    choices: [
      { value: 'off', label: 'Off', help: 'Never encrypt. For unix sockets and loopback.' },
      {
        value: 'prefer',
        label: 'Prefer',
        help: 'Encrypt where the server offers it; no certificate check.',
      },
      { value: 'require', label: 'Require', help: 'Encrypt or fail; no certificate check.' },
      {
        value: 'verify-full',
        label: 'Verify',
        help: 'Encrypt, check the certificate and the host name.',
      },
    ],
  },
  {
    name: 'ca',
    label: 'CA certificate',
    kind: 'multiline',
    required: false,
    placeholder: '-----BEGIN CERTIFICATE-----',
    help: 'PEM, for “Verify” with a private CA.',
  },
];
