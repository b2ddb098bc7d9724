//! Decides commands: students subscribe to courses, under rules about both.

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Define {
    course: String,
    capacity: u32,
}

#[derive(Deserialize, Serialize)]
struct Subscribe {
    course: String,
    student: String,
}

#[derive(Default, Deserialize, Serialize)]
struct Course {
    capacity: u32,
    students: u32,
}

#[scope("course")]
impl Evolve for Course {
    fn evolve(&mut self, fact: &Fact) -> Result {
        match fact.event_type() {
            "course.defined" => self.capacity = fact.data::<Define>()?.capacity,
            "student.subscribed" => self.students += 1,
            _ => {}
        }
        Ok(())
    }
}

#[derive(Default, Deserialize, Serialize)]
struct Student {
    courses: u32,
}

#[scope("student")]
impl Evolve for Student {
    fn evolve(&mut self, fact: &Fact) -> Result {
        if fact.event_type() == "student.subscribed" {
            self.courses += 1;
        }
        Ok(())
    }
}

#[command("course.define", scope = "course", records("course.defined"))]
fn define(command: Command<Define>, ctx: &mut Decide) -> Decided {
    let course = ctx.load_or_new::<Course>(&command.data.course)?;
    (course.capacity == 0).or_refuse("already-defined")?;
    ctx.record("course.defined", &command.data).about(&course)?;
    Ok(())
}

#[command("course.subscribe", scope = "course", records("student.subscribed"))]
fn subscribe(command: Command<Subscribe>, ctx: &mut Decide) -> Decided<u32> {
    let course = ctx.load::<Course>(&command.data.course)?.or_refuse("no-such-course")?;
    let student = ctx.load_or_new::<Student>(&command.data.student)?;
    (course.students < course.capacity).or_refuse("course-full")?;
    (student.courses < 10).or_refuse("too-many-courses")?;
    ctx.record("student.subscribed", &command.data).about(&course).about(&student)?;
    Ok(course.students + 1)
}
