// The page of Palate: one person, their dishes and their week, and the model that ranks them.

import { prepare as prepareEntry } from "./entry.js";
import { prepare as prepareModel } from "./model.js";
import { prepare as prepareWeek } from "./week.js";

prepareEntry();
prepareWeek();
prepareModel();
