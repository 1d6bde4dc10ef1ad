import { useSignal } from '@preact/signals';

const noticeMilliseconds = 2000;

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const notice = useSignal<string | undefined>(undefined);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      notice.value = 'Copied';
    } catch {
      // Outside https and localhost there is no clipboard; the text can still be marked by hand.
      notice.value = 'Not allowed here';
    }
    setTimeout(() => {
      notice.value = undefined;
    }, noticeMilliseconds);
  };
  return (
    <button type="button" class="quiet" onClick={copy}>
      <span aria-live="polite">{notice.value ?? label}</span>
    </button>
  );
}
