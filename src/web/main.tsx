/** Starts the page. */
import { render } from 'preact';
import { Page } from './page/page.js';
import { followAddress } from './page/views.js';
import { followQuestion } from './planner/forecast-state.js';
import { connect } from './state/connection.js';
import { followTheme } from './state/theme.js';

followTheme();
followAddress();
followQuestion();
connect();
const place = document.getElementById('page');
if (place) render(<Page />, place);
