import { LoaderCircle } from 'lucide-react';
import type { ButtonHTMLAttributes, ReactNode } from 'react';

type Look = 'primary' | 'plain' | 'ghost' | 'danger';

const LOOKS = {
  primary: 'bg-accent text-on-accent border-transparent hover:bg-accent-strong',
  plain: 'bg-surface text-ink border-control hover:bg-raised',
  ghost: 'bg-transparent text-ink-2 border-transparent hover:bg-raised hover:text-ink',
  danger: 'bg-bad text-on-bad border-transparent hover:opacity-90',
} satisfies Record<Look, string>;

/** Classes of a button, for links that look like one. */
export function buttonClass(look: Look = 'plain', size: 'normal' | 'small' = 'normal'): string {
  const measures = size === 'small' ? 'min-h-7 px-2 text-sm gap-1.5' : 'min-h-9 px-3 gap-2';
  return `inline-flex shrink-0 items-center justify-center rounded-control border font-medium transition-colors disabled:cursor-not-allowed disabled:opacity-55 ${measures} ${LOOKS[look]}`;
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
  size?: 'normal' | 'small';
  /** Shows that the act is under way and keeps it from being started twice. */
  busy?: boolean;
  children: ReactNode;
}

export function Button({ look, size, busy, children, className, type, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type={type ?? 'button'}
      aria-busy={busy || undefined}
      disabled={disabled || busy}
      className={`${buttonClass(look, size)} ${className ?? ''}`}
      {...rest}
    >
      {busy && <LoaderCircle aria-hidden size={15} className="animate-spin" />}
      {children}
    </button>
  );
}
