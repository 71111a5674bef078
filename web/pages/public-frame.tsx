import type { ReactNode } from 'react';
import { useEffect } from 'react';
import { Logo } from '../app/logo.tsx';

/** The frame of a page that stands alone: it needs no session, or has no place. */
export function PublicFrame({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: string;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Homeport`;
  }, [title]);
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="grid w-full max-w-sm gap-6">
        <div className="grid justify-items-center gap-3 text-center">
          <Logo size={44} />
          <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
          {lead && <p className="text-ink-2">{lead}</p>}
        </div>
        <div className="rounded-card border border-line bg-surface p-5">{children}</div>
      </div>
    </main>
  );
}
