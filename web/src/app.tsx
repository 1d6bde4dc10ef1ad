import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ClipView } from './clips/clip-view.tsx';
import { Comparison } from './clips/comparison.tsx';
import { Gallery } from './clips/gallery.tsx';
import { loadHistory } from './clips/history.ts';
import {
  areExamplesWanted,
  compared,
  selectedClip,
  showClip,
  showExamples,
  showNamedClip,
  unseenClip,
} from './clips/selection.ts';
import { CodePanel } from './code/code-panel.tsx';
import { ExampleStage } from './examples/example-stage.tsx';
import { ClipForm } from './form/clip-form.tsx';
import { deliverFiles, setFile } from './form/form-state.ts';
import { Picture } from './picture/picture.ts';
import { resume } from './run/begin.ts';
import { RunBar } from './run/run-bar.tsx';
import { run } from './run/run-state.ts';
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
    await untilAnswered(() => Promise.all([loadInstallation(), loadHistory(), showNamedClip()]), tell);
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
    void resume();
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
          <div class="groups">
            <ClipForm />
          </div>
          <RunBar />
        </form>
        <div class="stage-column" id="stage">
          <Stage />
        </div>
        <div class="side-column">
          <CodePanel />
          <Gallery />
        </div>
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
      <nav aria-label="This page and its documents">
        <button type="button" class="link" onClick={showExamples}>
          Examples
        </button>
        <a href={`${location.href.replace(/#.*/, '')}#history`}>History</a>
        {id !== undefined && <a href={`${server}models/${id}/api`}>API</a>}
        <a href={`${server}docs`}>Documentation</a>
        {id !== undefined && (
          <a class="spare" href={`${server}api/openapi/queue/openapi.json?endpoint_id=${id}`}>
            OpenAPI
          </a>
        )}
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
  const shown = selectedClip.value ?? current?.clip;
  const unseen = unseenClip.value;
  const [isPair, isExample] = [compared.value.length > 1, areExamplesWanted.value];
  return (
    <>
      {current !== undefined && current.state !== 'done' && <RunView run={current} />}
      {unseen !== undefined && (
        <p class="card line" role="status">
          A new clip is ready.
          <button type="button" onClick={() => showClip(unseen)}>
            Show it
          </button>
        </p>
      )}
      {isPair && <Comparison clips={compared.value} />}
      {shown !== undefined && !isPair && !isExample && <ClipView key={shown.id} clip={shown} />}
      {(isExample || (current === undefined && shown === undefined && !isPair)) && <ExampleStage />}
    </>
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
 * Files pasted or dropped anywhere: a picture becomes the first frame, anything else the recording, which says so where it is
 * none. Of some formats browsers do not tell the type; HEIC is the one of pictures among them.
 */
function take(event: Event, given: DataTransfer | null): void {
  const file = given?.files[0];
  if (file === undefined || event.defaultPrevented) return;
  event.preventDefault();
  const isPicture = file.type === '' ? /\.hei[cf]$/i.test(file.name) : file.type.startsWith('image/');
  if (isPicture) setFile('image_url', Picture.chosen(file, file.name));
  else setFile('audio_url', Sound.chosen(file, file.name));
}
