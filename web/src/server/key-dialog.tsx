import { useEffect, useRef } from 'preact/hooks';
import { apiKey, isKeyWanted, keyProblem, takeKey } from './connection.ts';

/** Asks for an API key once the server has asked for one. */
export function KeyDialog({ onKey }: { readonly onKey: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isKeyWanted.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isKeyWanted.value]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="key-title"
      onClose={() => {
        isKeyWanted.value = false;
      }}
    >
      <form
        method="dialog"
        onSubmit={() => {
          takeKey(input.current?.value ?? '');
          onKey();
        }}
      >
        <h2 id="key-title">This server asks for a key</h2>
        <p class="help" id="key-help">
          <code>soundstage keys create</code> makes one. It is kept in this browser.
        </p>
        <p class="problem" id="key-problem" role={keyProblem.value === undefined ? undefined : 'alert'}>
          {keyProblem.value}
        </p>
        <label for="key-input">API key</label>
        <input
          id="key-input"
          ref={input}
          type="password"
          autocomplete="off"
          placeholder="id:secret"
          defaultValue={apiKey.value}
          aria-describedby="key-help key-problem"
          aria-invalid={keyProblem.value === undefined ? undefined : 'true'}
        />
        <button type="submit" class="primary">
          Use this key
        </button>
      </form>
    </dialog>
  );
}
