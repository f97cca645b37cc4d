import { mount } from "svelte";
import "../styles/base.css";
import Watch from "./Watch.svelte";

mount(Watch, { target: document.getElementById("app") as HTMLElement });
