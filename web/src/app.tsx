import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ClipView } from './clips/clip-view.tsx';
import { Comparison } from './clips/comparison.tsx';
import { Gallery } from './clips/gallery.tsx';
import { loadHistory } from './clips/history.ts';
import { compared, selectedClip } from './clips/selection.ts';
import { CodePanel } from './code/code-panel.tsx';
import { ClipForm } from './form/clip-form.tsx';
import { deliverFiles, setFile } from './form/form-state.ts';
import { Picture } from './picture/picture.ts';
import { resumeRun } from './run/follow-run.ts';
import { RunBar } from './run/run-bar.tsx';
import { isUnderWay, run } from './run/run-state.ts';
import { RunView } from './run/run-view.tsx';
import { apiKey, isKeyWanted, messageOf, server, untilAnswered } from './server/connection.ts';
import { endpoint, loadEndpoints } from './server/endpoints.ts';
import { installation, loadInstallation } from './server/installation.ts';
import { KeyDialog } from './server/key-dialog.tsx';
import { Sound } from './sound/sound.ts';

/** The whole page. */
export function App() {
  const problem = useSignal<string | undefined>(undefined);
  const tell = (text: string | undefined): void => {
    problem.value = text;
  };
  const load = async (): Promise<void> => {
    await untilAnswered(loadEndpoints, tell);
    await untilAnswered(() => Promise.all([loadInstallation(), loadHistory()]), tell);
  };
  const begin = (): void => void load().catch((error: unknown) => tell(messageOf(error)));
  const takeUp = (): void => {
    // What still waits for a key goes on by itself.
    if (installation.value !== undefined) begin();
    void deliverFiles();
  };
  useEffect(() => {
    document.addEventListener('paste', takePasted);
    document.addEventListener('dragover', allowDrop);
    document.addEventListener('drop', takeDropped);
    begin();
    void resumeRun();
    return () => {
      document.removeEventListener('paste', takePasted);
      document.removeEventListener('dragover', allowDrop);
      document.removeEventListener('drop', takeDropped);
    };
  }, []);
  return (
    <>
      <Header />
      {problem.value !== undefined && (
        <p class="banner" role="alert">
          {problem.value}
        </p>
      )}
      <main>
        <form class="form" onSubmit={(event) => event.preventDefault()} noValidate>
          <h1 class="hidden">Make video from sound</h1>
          <ClipForm />
          <RunBar />
        </form>
        <div class="stage-column" id="stage">
          <Stage />
          <CodePanel />
        </div>
        <Gallery />
      </main>
      <KeyDialog onKey={takeUp} />
    </>
  );
}

function Header() {
  const model = installation.value?.model;
  const id = endpoint.value?.id;
  return (
    <header>
      <img src="./assets/icon.svg" alt="" width="28" height="28" />
      <span class="brand">Soundstage</span>
      {model !== undefined && (
        <span class="model" title={model.title}>
          {model.id}
          {model.isMiniature && <small> miniature</small>}
        </span>
      )}
      <nav aria-label="Documents">
        {id !== undefined && <a href={`${server}models/${id}/llms.txt`}>Fields</a>}
        {id !== undefined && <a href={`${server}api/openapi/queue/openapi.json?endpoint_id=${id}`}>OpenAPI</a>}
        {apiKey.value !== '' && (
          <button
            type="button"
            class="quiet"
            onClick={() => {
              isKeyWanted.value = true;
            }}
          >
            Key
          </button>
        )}
      </nav>
    </header>
  );
}

function Stage() {
  const current = run.value;
  const [first, second] = compared.value;
  const shown = selectedClip.value ?? (current?.state === 'done' ? current.clip : undefined);
  return (
    <>
      {current !== undefined && current.state !== 'done' && <RunView run={current} />}
      {first !== undefined && second !== undefined && <Comparison first={first} second={second} />}
      {shown !== undefined && !isUnderWay(current) && <ClipView key={shown.id} clip={shown} />}
      {current === undefined && shown === undefined && <EmptyStage />}
    </>
  );
}

function EmptyStage() {
  return (
    <section class="card stage-empty" aria-label="Result">
      <svg viewBox="0 0 120 40" aria-hidden="true">
        <path d="M6 20v0M16 14v12M26 8v24M36 4v32M46 12v16M56 17v6M66 10v20M76 3v34M86 9v22M96 15v10M106 18v4M114 20v0" />
      </svg>
      <p>Add a recording, say what should be seen, and make the clip.</p>
      {installation.value?.model?.isMiniature && (
        <p class="note">
          This server runs a miniature of the model, good for drawings in seconds. The docs say how to run all 19
          billion parameters.
        </p>
      )}
    </section>
  );
}

function takePasted(event: ClipboardEvent): void {
  take(event, event.clipboardData);
}

function takeDropped(event: DragEvent): void {
  take(event, event.dataTransfer);
}

/** The browser would open a file that is dropped beside a field, in place of the page. */
function allowDrop(event: DragEvent): void {
  if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
}

/**
 * Files pasted or dropped anywhere: a picture becomes the first frame, sound the recording. Of some formats browsers do not
 * tell the type; HEIC is the one of pictures among them.
 */
function take(event: Event, given: DataTransfer | null): void {
  const file = given?.files[0];
  if (file === undefined || event.defaultPrevented) return;
  event.preventDefault();
  const isPicture = file.type === '' ? /\.hei[cf]$/i.test(file.name) : file.type.startsWith('image/');
  if (isPicture) setFile('image_url', Picture.chosen(file, file.name));
  else if (/^(?:(?:audio|video)\/.*)?$/.test(file.type)) setFile('audio_url', Sound.chosen(file, file.name));
}
