import { render } from 'preact';
import { App } from './app.tsx';
import './style/base.css';
import './style/controls.css';
import './style/form.css';
import './style/stage.css';
import './style/motion.css';

const page = document.getElementById('page');
if (page === null) throw new Error('the page has no place for the playground');
page.replaceChildren();
render(<App />, page);
