import { X } from 'lucide-react';
import { type ReactNode, useEffect, useId, useRef } from 'react';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
}

const CONTROLS = 'input, select, textarea, button, a[href]';

/**
 * A modal dialog, open while it is mounted. The browser's own element: it traps the focus, gives it back,
 * closes on Escape and needs no injected style, which the content security policy would refuse.
 */
export function Dialog({ title, onClose, children, wide }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    // The browser would begin at the button that closes it.
    body.current?.querySelector<HTMLElement>(CONTROLS)?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      className={`m-auto max-h-[calc(100dvh-2rem)] w-[calc(100vw-2rem)] overflow-y-auto rounded-card border border-line bg-surface text-ink shadow-float ${wide ? 'max-w-2xl' : 'max-w-lg'}`}
    >
      <div className="flex items-center justify-between gap-4 px-5 pt-4">
        <h2 id={heading} className="text-lg font-semibold">
          {title}
        </h2>
        <button
          type="button"
          aria-label="Close"
          onClick={onClose}
          className="-mr-2 grid size-8 place-items-center rounded-control text-ink-3 hover:bg-raised hover:text-ink"
        >
          <X aria-hidden size={17} />
        </button>
      </div>
      <div ref={body} className="px-5 pt-3 pb-5">
        {children}
      </div>
    </dialog>
  );
}
