import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

interface DropZoneProps {
  readonly accept: string;
  readonly label: string;
  readonly onFile: (file: File) => void;
  readonly children?: ComponentChildren;
}

/** Takes a file that is dropped, pasted or picked. */
export function DropZone({ accept, label, onFile, children }: DropZoneProps) {
  const isOver = useSignal(false);
  const take = (files: FileList | null | undefined, event: Event): void => {
    const file = files?.[0];
    if (file === undefined) return;
    event.preventDefault();
    onFile(file);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files are dropped and pasted here; the input does it by keyboard
    <div
      class={isOver.value ? 'drop over' : 'drop'}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={(event) => {
        isOver.value = false;
        take(event.dataTransfer?.files, event);
      }}
      onPaste={(event) => take(event.clipboardData?.files, event)}
    >
      <label class="pick">
        <input
          type="file"
          accept={accept}
          onChange={(event) => {
            take(event.currentTarget.files, event);
            event.currentTarget.value = '';
          }}
        />
        <span class="button">{label}</span>
      </label>
      {children}
    </div>
  );
}
