// Exports of jsPsych itself, from a simulated run of twelve images with a rating each:
//   npm install jspsych@8 jsdom @jspsych/plugin-html-keyboard-response @jspsych/plugin-image-keyboard-response \
//     @jspsych/plugin-survey-likert && node jspsych.cjs
const { writeFileSync } = require("fs");
const { JSDOM } = require("jsdom");
const dom = new JSDOM("<!DOCTYPE html><body></body>", { url: "http://localhost/", pretendToBeVisual: true });
for (const name of ["window", "document", "Element", "HTMLElement", "Event", "KeyboardEvent", "Image", "FormData"])
  global[name] = name === "window" ? dom.window : dom.window[name];
dom.window.HTMLElement.prototype.scrollTo = () => {};
const { initJsPsych } = require("jspsych");
const plugin = (name) => { const found = require(`@jspsych/plugin-${name}`); return found.default ?? found; };
const [Html, ImageKey, Likert] = ["html-keyboard-response", "image-keyboard-response", "survey-likert"].map(plugin);

const jsPsych = initJsPsych({ display_element: document.body });
const said = ["f", "j", "j", "f", "j", "j", "f", "f", "j", "j", "f", "j"];
const timeline = [{ type: Html, stimulus: "<p>Welcome</p>", choices: [" "] }];
said.forEach((key, n) => {
  const truth = n % 2 ? "fake" : "real";
  timeline.push({ type: Html, stimulus: "<div>+</div>", choices: "NO_KEYS", trial_duration: 500 });
  timeline.push({
    type: ImageKey, stimulus: `img/im${n}.png`, choices: ["f", "j"], data: { truth },
    on_finish: (data) => { data.correct = data.response === (truth === "fake" ? "j" : "f"); },
    simulation_options: { data: { rt: 700 + n, response: key } },
  });
  timeline.push({
    type: Likert, questions: [{ prompt: "How sure, \"honestly\"?", labels: ["guess", "2", "3", "certain"], required: true }],
    simulation_options: { data: { rt: 900, response: { Q0: n % 4 } } },
  });
});
jsPsych.data.addProperties({ participant: "P01" });
jsPsych.simulate(timeline, "data-only").then(() => {
  const data = jsPsych.data.get();
  writeFileSync("jspsych.csv", data.csv());
  writeFileSync("jspsych.json", data.json());
  process.exit(0);
});
