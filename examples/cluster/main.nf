// A run in tasks on Nextflow, after `simexm-gpu plan CONFIG --write RUN`. NOT RUN by this project's checks.
//
//     nextflow run examples/cluster/main.nf --run RUN --tasks 1000 --each 10
params.each = 10

process image {
    errorStrategy { task.exitStatus == 75 ? 'retry' : 'terminate' }
    maxRetries 3
    input: val first
    output: val first
    script: "simexm-gpu task ${params.run} image ${first}..${first + params.each} -q --threads ${task.cpus}"
}

process finish {
    input: val done
    script: "simexm-gpu finish ${params.run}"
}

// With a survey or a scale: the same process for it, then `simexm-gpu merge RUN survey`, before these.
workflow {
    image(Channel.of(0..<(params.tasks as int)).filter { it % params.each == 0 }) | collect | finish
}
