import { ChevronLeft } from 'lucide-react';
import type { ReactNode } from 'react';
import { useEffect, useRef } from 'react';

interface PageProps {
  title: string;
  /** One line under the title. */
  lead?: ReactNode;
  /** The link to the list this page belongs to. */
  back?: ReactNode;
  actions?: ReactNode;
  badge?: ReactNode;
  children: ReactNode;
}

/** The frame of every page: title, what it is about, its main acts. */
export function Page({ title, lead, back, actions, badge, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Homeport`;
  }, [title]);
  // After a navigation the reader starts at the page's name, not at the end of the last page.
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <div className="grid gap-5">
      <header className="grid gap-1">
        {back && (
          <div className="-ml-1 flex items-center gap-0.5 text-sm text-ink-3">
            <ChevronLeft aria-hidden size={15} />
            {back}
          </div>
        )}
        <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
          <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
            <h1 ref={heading} tabIndex={-1} className="min-w-0 text-xl font-semibold tracking-tight">
              {title}
            </h1>
            {badge}
          </div>
          {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
        </div>
        {lead && <div className="text-ink-2">{lead}</div>}
      </header>
      {children}
    </div>
  );
}

interface CardProps {
  title?: string;
  /** Makes it a landmark of this name, for one of several cards alike. */
  label?: string;
  actions?: ReactNode;
  /** Tables bring their own padding. */
  flush?: boolean;
  children: ReactNode;
}

export function Card({ title, label, actions, flush, children }: CardProps) {
  return (
    <section aria-label={label} className="min-w-0 rounded-card border border-line bg-surface">
      {title && (
        <div className="flex min-h-12 flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2">
          <h2 className="font-semibold">{title}</h2>
          {actions}
        </div>
      )}
      <div className={flush ? '' : 'p-4'}>{children}</div>
    </section>
  );
}

interface EmptyProps {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

/** Nothing here yet, and the next step. */
export function Empty({ title, children, action }: EmptyProps) {
  return (
    <div className="mx-auto grid max-w-xl justify-items-center gap-2 px-4 py-10 text-center">
      <p className="text-lg font-semibold">{title}</p>
      {children && <div className="text-ink-2">{children}</div>}
      {action && <div className="mt-3 flex w-full flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

/** The shape of what is being fetched. */
export function Skeleton({ rows = 4 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="grid gap-3 p-4">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no identity
        <div key={row} className="skeleton h-8" />
      ))}
    </div>
  );
}

/** Name and value pairs. */
export function Facts({ items }: { items: [string, ReactNode][] }) {
  return (
    <dl className="grid gap-x-6 gap-y-2.5 sm:grid-cols-[max-content_1fr]">
      {items.map(([name, value]) => (
        <div key={name} className="contents max-sm:grid">
          <dt className="text-ink-3">{name}</dt>
          <dd className="min-w-0">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
