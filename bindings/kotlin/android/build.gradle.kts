// The Android library: the same sources as the jar, with JNA's Android archive and
// the native libraries that `build-native.sh` puts into `src/main/jniLibs`.
//
// NOT VERIFIED on the project's own machines, which have neither the Android SDK
// nor the NDK: this file is written, not run.

plugins {
    id("com.android.library") version "8.13.0"
    id("org.jetbrains.kotlin.android") version "2.4.20"
    id("maven-publish")
}

group = "com.thegoodies"
version = "0.1.0"

android {
    namespace = "com.thegoodies.wildthing"
    compileSdk = 36
    // From 28 on NDKs align to 16 KB by themselves; the script asks for it anyway.
    ndkVersion = "28.2.13676358"

    defaultConfig {
        // java.time is there from 26 on. Of cleaners, JNA's serves below 33.
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }

    sourceSets["main"].kotlin.srcDirs("../generated", "../src/main/kotlin")

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    publishing {
        singleVariant("release") { withSourcesJar() }
    }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.11.0")
    api("org.jetbrains.kotlinx:kotlinx-serialization-json:1.12.0")
    implementation("net.java.dev.jna:jna:5.19.1@aar")
}

publishing {
    publications {
        register<MavenPublication>("release") {
            artifactId = "wildthing-android"
            afterEvaluate { from(components["release"]) }
        }
    }
}

// Devices with pages of 16 KB refuse a library that is not aligned to that.
val checkAlignment by tasks.registering(Exec::class) {
    workingDir = file("../../..")
    val libraries = fileTree("src/main/jniLibs") { include("arm64-v8a/*.so", "x86_64/*.so") }
    commandLine(listOf("cargo", "xtask", "aligned") + libraries.files.map { it.path })
    doFirst {
        if (libraries.isEmpty) {
            throw GradleException("there is no native library in src/main/jniLibs: run build-native.sh first")
        }
    }
}
tasks.named("preBuild") { dependsOn(checkAlignment) }
